// The graph canvas. Nothing outside this folder imports litegraph.
export type * from "./types";
export type { GraphViewApi, GraphViewConstructor } from "./api";
export { GraphView } from "./view";
export type { PackHooks } from "./pack-hooks";

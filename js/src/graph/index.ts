// The graph canvas. Nothing outside this folder imports litegraph.
export type * from "./types";
export type { GraphViewApi, GraphViewConstructor } from "./api";
export { GraphView } from "./view";
export type { PackHooks } from "./pack-hooks";
export { annotated, Clipspace, type Copied, fileIn } from "./clipspace";
export { isOfPack, plainJson } from "./pack-widgets";
export { controlsFor, widgetFor } from "./build-widgets";
export { DomWidget } from "./dom-widget";
export { PrimitiveNode } from "./primitive-node";

// What the extensions of packs want to hear of the graph; nobody listens until packs with JavaScript are there.
import type { LGraphNode } from "./litegraph";
import type { WorkflowJson } from "./types";

export interface PackHooks {
  /** Before a document is put into the graph; it may be changed. `missing`: types that nobody defined. */
  beforeLoad(document: WorkflowJson, missing: string[]): void;
  /** A node as the document has it. */
  nodeLoaded(node: LGraphNode): void;
  afterLoad(missing: string[]): void;
  /** A callback of a pack on a node threw. */
  failed(where: string, node: LGraphNode, error: unknown): void;
  /** What a node put out, before it is shown; `id` as the run names it. */
  outputs(id: string, ui: Record<string, unknown> | null): void;
  /** Entries that packs offer for a node's menu, or for the canvas's; null is a separator. */
  menuItems(node: LGraphNode | null): unknown[];
  /** The document as it was just written down; what only packs know may be added to its `extra`. */
  saved(document: WorkflowJson): void;
  /** Packs' code ran or may have run: the graph may be another than before. */
  mayHaveChanged(): void;
}

let current: PackHooks | null = null;

export function setPackHooks(hooks: PackHooks | null): void {
  current = hooks;
}

export function packHooks(): PackHooks | null {
  return current;
}

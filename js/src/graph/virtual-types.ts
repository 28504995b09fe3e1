// Registers the nodes that exist only in the editor.
import { type LGraphNode, LiteGraph } from "./litegraph";
import { MarkdownNoteNode, NoteNode } from "./note-nodes";
import { PrimitiveNode } from "./primitive-node";
import { RerouteNode } from "./reroute-node";
import type { AnyWidget } from "./widget-classes";

export function registerVirtualNodes(): void {
  const types: [string, typeof LGraphNode][] = [
    ["Note", NoteNode as never], ["MarkdownNote", MarkdownNoteNode as never], ["Reroute", RerouteNode as never], ["PrimitiveNode", PrimitiveNode as never],
  ];
  for (const [type, Class] of types) {
    LiteGraph.registerNodeType(type, Class);
    (Class as AnyWidget).category = "utils";
  }
}

export const VIRTUAL_TYPES = new Set(["Note", "MarkdownNote", "Reroute", "PrimitiveNode"]);

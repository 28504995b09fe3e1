// Registers the nodes that exist only in the editor.
import { UnknownNode } from "./defined-node";
import { type LGraphNode, LiteGraph } from "./litegraph";
import { MarkdownNoteNode, NoteNode } from "./note-nodes";
import { PrimitiveNode } from "./primitive-node";
import { RerouteNode } from "./reroute-node";
import type { NodeInfo } from "./types";
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

const PASSES = new Set(["Reroute", "PrimitiveNode"]);

/** Types without a definition of the kernel that a person can add: ours, and classes that packs registered. */
export function otherTypes(): Record<string, NodeInfo> {
  const out: Record<string, NodeInfo> = {};
  for (const [type, Class] of Object.entries(LiteGraph.registered_node_types) as [string, AnyWidget][]) {
    if (Class.nodeData || Class.skip_list || Class.prototype instanceof UnknownNode) continue;
    const slots = PASSES.has(type);
    out[type] = {
      name: type, display_name: String(Class.title || type), category: String(Class.category ?? ""), description: String(Class.desc ?? ""),
      input: slots ? { required: { "": ["*", {}] } } : {}, output: slots ? ["*"] : [],
    };
  }
  return out;
}

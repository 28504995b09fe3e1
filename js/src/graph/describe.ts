// The level shown in plain words: for the outline, for tests, for anything that is not a pointer.
import type { ViewCore } from "./core";
import { UnknownNode } from "./defined-node";
import type { LGraph, LGraphNode, Subgraph } from "./litegraph";
import { isPreviewWidget } from "./preview-widgets";
import type { NodeDescription, Place, Point } from "./types";
import { type AnyWidget, choicesOf } from "./widget-classes";

export function describeLevel(core: ViewCore): NodeDescription[] {
  const graph = core.shownGraph();
  return graph._nodes.map((node) => ({
    id: node.id, title: String(node.getTitle() ?? node.type), type: node.type, mode: node.mode, unknown: node instanceof UnknownNode,
    ...describeSlots(node, graph), widgets: describeWidgets(node), selected: !!node.selected, ...describeRun(core, node),
  }));
}

function describeSlots(node: LGraphNode, graph: LGraph | Subgraph): Pick<NodeDescription, "inputs" | "outputs"> {
  return {
    inputs: node.inputs.map((input) => {
      const link = input.link == null ? null : graph.getLink(input.link);
      return { name: input.name, label: labelOf(input), type: String(input.type), link: link ? { node: link.origin_id, slot: link.origin_slot } : null };
    }),
    outputs: node.outputs.map((output) => ({
      name: output.name, label: labelOf(output), type: String(output.type),
      links: (output.links ?? []).map((id) => graph.getLink(id)).filter((link) => link !== undefined && link !== null)
        .map((link) => ({ node: link.target_id, slot: link.target_slot })),
    })),
  };
}

function describeWidgets(node: LGraphNode): NodeDescription["widgets"] {
  return ((node.widgets ?? []) as AnyWidget[]).filter((widget) => !isPreviewWidget(widget) && !widget.hidden).map((widget) => ({
    name: widget.name, label: widget.label || widget.name, type: widget.type, value: widget.value,
    options: widget.type === "combo" ? choicesOf(widget, node) : undefined,
    disabled: !!widget.disabled || node.getSlotFromWidget(widget)?.link != null,
  }));
}

function describeRun(core: ViewCore, node: LGraphNode): Pick<NodeDescription, "error" | "stale" | "running" | "progress"> {
  const state = core.runtimeOf(node);
  return {
    error: state?.error?.message ?? null, stale: !!state?.stale, running: !!state?.running,
    progress: state?.running ? (state.progress ?? null) : null,
  };
}

function labelOf(slot: { label?: string; localized_name?: string; name: string }): string {
  return slot.label || slot.localized_name || slot.name;
}

/** The point of the graph where a place of a node is; throws where the node has no such place. */
export function placeInGraph(core: ViewCore, place: Place): Point {
  const node = core.node(place.node);
  if (!node) throw new Error(`No node ${place.node} at this level.`);
  node._setConcreteSlots();
  if (!node.flags.collapsed) node.arrange();
  const middle = node.pos[0] + node.size[0] / 2;
  if (place.title) return [node.pos[0] + Math.min(node.size[0] / 2, 80), node.pos[1] - 15];
  if (place.widget !== undefined) {
    const widget = node.widgets?.find((candidate) => candidate.name === place.widget) as AnyWidget;
    if (!widget) throw new Error(`Node ${place.node} has no widget “${place.widget}”.`);
    return [middle, node.pos[1] + widget.y + (widget.element || widget.type === "knob" ? (widget.computedHeight ?? 22) : 22) / 2];
  }
  if (place.slot === undefined) return [middle, node.pos[1] + node.size[1] / 2];
  const input = place.input !== false;
  const slots = input ? node.inputs : node.outputs;
  const index = typeof place.slot === "number" ? place.slot : slots.findIndex((slot) => slot.name === place.slot);
  if (!slots[index]) throw new Error(`Node ${place.node} has no ${input ? "input" : "output"} “${place.slot}”.`);
  return (input ? node.getInputPos(index) : node.getOutputPos(index)) as unknown as Point;
}

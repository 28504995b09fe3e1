// Takes a subgraph instance apart.
import type { ViewCore } from "./core";
import { type LGraph, type LGraphNode, LiteGraph, type Subgraph, type SubgraphNode } from "./litegraph";
import type { NodeId } from "./types";
import type { AnyWidget } from "./widget-classes";

/** The contents of an instance in its place, with its links and the values its promoted widgets show. */
export function unpackSubgraph(core: ViewCore, instance: SubgraphNode): void {
  const graph = core.shownGraph();
  const { subgraph } = instance;
  const made = new Map<NodeId, LGraphNode>();
  graph.beforeChange();
  const [dx, dy] = unpackOffset(instance);
  for (const inner of subgraph._nodes) {
    const copy = LiteGraph.createNode(inner.type, inner.title);
    if (!copy) continue;
    const data = inner.serialize() as AnyWidget;
    for (const input of data.inputs ?? []) input.link = null;
    for (const output of data.outputs ?? []) output.links = [];
    data.id = -1;
    copy.configure(data);
    copy.pos = [inner.pos[0] + dx, inner.pos[1] + dy];
    graph.add(copy);
    made.set(inner.id, copy);
  }
  for (const link of subgraph._links.values()) unpackLink(graph, instance, link as AnyWidget, made);
  graph.remove(instance);
  graph.afterChange();
  core.canvas.selectNodes([...made.values()]);
}

function unpackLink(graph: LGraph | Subgraph, instance: SubgraphNode, link: AnyWidget, made: Map<NodeId, LGraphNode>): void {
  const target = made.get(link.target_id);
  const source = made.get(link.origin_id);
  if (source && target) source.connect(link.origin_slot, target, link.target_slot);
  else if (link.origin_id === -10 && target) {
    const outer = instance.inputs[link.origin_slot];
    const feed = outer?.link == null ? null : graph.getLink(outer.link);
    const node = feed && graph.getNodeById(feed.origin_id);
    if (node && feed) node.connect(feed.origin_slot, target, link.target_slot);
    else {
      const shown = instance.widgets.find((widget) => widget.name === outer?.name);
      const input = target.inputs[link.target_slot];
      const widget = input && (target.getWidgetFromSlot(input) as AnyWidget);
      if (shown && widget) widget.value = shown.value;
    }
  } else if (link.target_id === -20 && source) {
    for (const outer of [...(instance.outputs[link.target_slot]?.links ?? [])]) {
      const to = graph.getLink(outer);
      const node = to && graph.getNodeById(to.target_id);
      if (node && to) source.connect(link.origin_slot, node, to.target_slot);
    }
  }
}

function unpackOffset(instance: SubgraphNode): [number, number] {
  const nodes = instance.subgraph._nodes;
  if (!nodes.length) return [0, 0];
  const left = Math.min(...nodes.map((node) => node.pos[0]));
  const top = Math.min(...nodes.map((node) => node.pos[1]));
  return [instance.pos[0] - left, instance.pos[1] - top];
}

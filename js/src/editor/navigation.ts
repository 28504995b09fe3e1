// Finding nodes by the ids that runs use: inside subgraphs with the ids of the instances on the way.

import type { GraphViewApi, NodeId, NodeInfo } from "../graph";

/** Goes to where the node is, selects it and puts it in the middle. */
export function showNode(view: GraphViewApi, node: string): void {
  const way = node.split(":");
  const last = way.pop();
  if (view.level().slice(1).map((level) => String(level.node)).join(":") !== way.join(":")) {
    view.leave(0);
    for (const instance of way) view.enter(idOf(instance));
  }
  const id = view.describe().find((candidate) => String(candidate.id) === last)?.id;
  if (id === undefined) return;
  view.select([id]);
  view.center(id);
  view.focus();
}

/** Execution ids of the selected output nodes. */
export function selectedOutputs(view: GraphViewApi, definitions: Record<string, NodeInfo>): string[] {
  const way = view.level().slice(1).map(({ node }) => node);
  const ids = new Set(view.selection().map(String));
  return view.describe().filter(({ id, type }) => ids.has(String(id)) && definitions[type]?.output_node).map(({ id }) => [...way, id].join(":"));
}

/** Ids in execution paths are text; those of nodes are mostly numbers. */
function idOf(text: string): NodeId {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

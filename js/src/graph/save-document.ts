// Saves the graph in the form the file had.
import { isRecord } from "./definitions";
import { type LGraph, LiteGraph, type Subgraph, SubgraphNode } from "./litegraph";
import { linkObject } from "./read-document";
import { keepPrecision, saveNode } from "./save-node";
import type { NodeId, NodeJson, SubgraphJson, WorkflowJson } from "./types";

type Raw = Record<string, unknown>;

export interface SaveContext {
  source: Raw;
  rejected: unknown[];
  subgraphs: Map<string, SubgraphJson>;
  ds: { scale: number; offset: [number, number] } | null;
}

export function saveDocument(graph: LGraph, context: SaveContext): WorkflowJson {
  const { source } = context;
  const body = saveLevel(graph, context.source);
  const extra: Raw = { ...(graph.extra as Raw) };
  if (context.ds) extra.ds = context.ds;
  const reroutes = [...graph.reroutes.values()].map((reroute) => reroute.asSerialisable() as unknown as Raw);
  if (reroutes.length) extra.reroutes = mergeById(reroutes, sourceList(source, "extra", "reroutes"));
  else delete extra.reroutes;
  const extensions = body.links.filter((link) => link.parentId !== undefined).map(({ id, parentId }) => ({ id, parentId }));
  if (extensions.length) extra.linkExtensions = extensions;
  else delete extra.linkExtensions;
  const state = graph.state;
  const out: Raw = {
    ...source, last_node_id: Math.max(state.lastNodeId, Number(source.last_node_id) || 0),
    last_link_id: Math.max(state.lastLinkId, Number(source.last_link_id) || 0),
    nodes: [...body.nodes, ...context.rejected],
    links: body.links.map((link) => [link.id, link.origin_id, link.origin_slot, link.target_id, link.target_slot, link.type]),
    groups: body.groups, config: (source.config as Raw) ?? {}, extra, version: 0.4,
  };
  delete out.state;
  delete out.reroutes;
  if (body.floatingLinks.length) out.floatingLinks = body.floatingLinks;
  else delete out.floatingLinks;
  const definitions = saveDefinitions(graph, context);
  if (definitions.length || isRecord(source.definitions)) {
    out.definitions = { ...(isRecord(source.definitions) ? source.definitions : {}), subgraphs: definitions };
  }
  return out as unknown as WorkflowJson;
}

function sourceList(source: Raw, ...path: string[]): Raw[] {
  let at: unknown = source;
  for (const key of path) at = isRecord(at) ? at[key] : undefined;
  return Array.isArray(at) ? at.filter(isRecord) : [];
}

/** Live values over what the file had under the same id, so that unknown keys stay. */
function mergeById(live: Raw[], saved: Raw[]): Raw[] {
  const byId = new Map(saved.map((item) => [item.id, item]));
  return live.map((item) => {
    const old = byId.get(item.id);
    const out: Raw = { ...old };
    for (const [key, value] of Object.entries(item)) {
      if (value === undefined) continue;
      out[key] = keepPrecision(value, old?.[key]);
    }
    return out;
  });
}

interface SavedLevel {
  nodes: NodeJson[];
  links: Raw[];
  groups: Raw[];
  floatingLinks: Raw[];
}

function saveLevel(graph: LGraph | Subgraph, source: Raw): SavedLevel {
  const slots = new Map<NodeId, number[]>();
  const nodes = graph._nodes.map((node) => saveNode(node, slots));
  const saved = new Map(prepareSourceLinks(source).map((link) => [link.id, link]));
  const links = [...graph._links.values()].map((link) => {
    const { parentId, ...data } = link.asSerialisable() as unknown as Raw;
    const slot = slots.get(link.target_id)?.[link.target_slot];
    const out: Raw = { ...saved.get(link.id), ...data, ...(slot !== undefined && slot >= 0 ? { target_slot: slot } : {}) };
    delete out.parentId;
    if (parentId !== undefined) out.parentId = parentId;
    return out;
  });
  const groups = mergeById(graph._groups.map((group) => {
    const data = { ...(group.serialize() as unknown as Raw) };
    if (data.font_size === LiteGraph.DEFAULT_GROUP_FONT_SIZE) data.font_size = undefined;
    return data;
  }), sourceList(source, "groups"));
  const floatingLinks = [...(graph.floatingLinks?.values() ?? [])].map((link) => link.asSerialisable() as unknown as Raw);
  return { nodes, links, groups, floatingLinks };
}

function prepareSourceLinks(source: Raw): Raw[] {
  return (Array.isArray(source.links) ? source.links : []).map(linkObject).filter((link): link is Raw => link !== null);
}

function saveDefinitions(graph: LGraph, { source, subgraphs }: SaveContext): Raw[] {
  const order = sourceList(source, "definitions", "subgraphs").map((item) => item.id);
  const rank = (subgraph: Subgraph): number => {
    const at = order.indexOf(subgraph.id);
    return at < 0 ? order.length : at;
  };
  const all = [...graph._subgraphs.values()].sort((a, b) => rank(a) - rank(b));
  const used = usedSubgraphs(graph);
  return all.filter((subgraph) => subgraphs.has(subgraph.id) || used.has(subgraph.id)).map((subgraph) => {
    const old = (subgraphs.get(subgraph.id) ?? {}) as Raw;
    const body = saveLevel(subgraph, old);
    const reroutes = mergeById([...subgraph.reroutes.values()].map((item) => item.asSerialisable() as unknown as Raw), sourceList(old, "reroutes"));
    const io = (node: { asSerialisable(): unknown }, saved: unknown): Raw => mergeById([node.asSerialisable() as Raw], isRecord(saved) ? [saved] : [])[0] as Raw;
    const list = (items: { asSerialisable(): unknown }[], saved: Raw[]): Raw[] => mergeById(items.map((item) => plain(item.asSerialisable())), saved);
    const out: Raw = {
      ...old, id: subgraph.id, version: 1, revision: old.revision ?? 0, name: subgraph.name,
      state: { ...(isRecord(old.state) ? old.state : {}), ...subgraph.state }, config: old.config ?? {},
      inputNode: io(subgraph.inputNode, old.inputNode), outputNode: io(subgraph.outputNode, old.outputNode),
      inputs: list(subgraph.inputs, sourceList(old, "inputs")), outputs: list(subgraph.outputs, sourceList(old, "outputs")),
      widgets: old.widgets ?? [], nodes: body.nodes, groups: body.groups, links: body.links, extra: old.extra ?? {},
    };
    if (reroutes.length) out.reroutes = reroutes;
    else delete out.reroutes;
    delete out.definitions; // inner definitions are listed beside it
    return out;
  });
}

function plain(value: unknown): Raw {
  const out: Raw = {};
  for (const [key, item] of Object.entries(value as Raw)) if (item !== undefined) out[key] = item;
  return out;
}

function usedSubgraphs(graph: LGraph): Set<string> {
  const used = new Set<string>();
  const visit = (level: LGraph | Subgraph): void => {
    for (const node of level._nodes) {
      if (!(node instanceof SubgraphNode) || used.has(node.subgraph.id)) continue;
      used.add(node.subgraph.id);
      visit(node.subgraph);
    }
  };
  visit(graph);
  return used;
}

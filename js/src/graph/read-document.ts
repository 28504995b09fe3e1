// Makes any document loadable: UI JSON in, what LGraph.configure takes out.
import { isRecord } from "./definitions";
import { instanceInputs } from "./node-slots";
import type { NodeJson, SubgraphJson } from "./types";

type Raw = Record<string, unknown>;


export interface Prepared {
  /** For LGraph.configure. */
  data: Raw;
  types: Set<string>;
  warnings: string[];
  /** Node entries that cannot be nodes; written back as they were. */
  rejected: unknown[];
  subgraphs: Map<string, SubgraphJson>;
}

const NODE_ID_MAX = 2 ** 31;

/** Never throws; what cannot be used is reported and kept aside. */
export function prepareDocument(document: unknown): Prepared {
  const warnings: string[] = [];
  if (!isRecord(document)) {
    warnings.push("The document is no workflow: an object with nodes and links was expected.");
    return { data: emptyData(), types: new Set(), warnings, rejected: [], subgraphs: new Map() };
  }
  const source = structuredClone(document) as Raw;
  const types = new Set<string>();
  const rejected: unknown[] = [];
  const definitions = collectDefinitions(source, warnings);
  const subgraphs = new Map(definitions.map((definition) => [definition.id, structuredClone(definition)]));
  const body = prepareLevel(source, subgraphs, types, warnings, rejected, "the workflow");
  const inner = sortDefinitions(definitions).map((definition) => {
    const label = `subgraph “${definition.name}”`;
    const level = prepareLevel(definition, subgraphs, types, warnings, [], label);
    return {
      id: definition.id, name: String(definition.name ?? "Subgraph"), version: 1, revision: definition.revision ?? 0, state: definition.state,
      inputNode: ioNode(definition.inputNode, -10, 0), outputNode: ioNode(definition.outputNode, -20, 600),
      inputs: ioSlots(definition.inputs), outputs: ioSlots(definition.outputs), widgets: Array.isArray(definition.widgets) ? definition.widgets : [],
      config: isRecord(definition.config) ? definition.config : {}, ...level, extra: isRecord(definition.extra) ? definition.extra : {},
    };
  });
  const data: Raw = {
    ...level04(source, body), groups: body.groups, nodes: body.nodes, floatingLinks: body.floatingLinks, extra: isRecord(source.extra) ? source.extra : {},
    config: isRecord(source.config) ? source.config : {},
  };
  if (typeof source.id === "string") data.id = source.id;
  if (typeof source.revision === "number") data.revision = source.revision;
  if (inner.length) data.definitions = { subgraphs: inner };
  return { data, types, warnings, rejected, subgraphs };
}

function emptyData(): Raw {
  return { version: 0.4, nodes: [], links: [], groups: [], extra: {} };
}

interface Level {
  nodes: NodeJson[];
  links: Raw[];
  groups: Raw[];
  reroutes: Raw[];
  floatingLinks: Raw[];
}

/** litegraph reads links as tuples only together with version 0.4; objects are taken for all, with reroutes beside them. */
function level04(source: Raw, level: Level): Raw {
  const extra = isRecord(source.extra) ? source.extra : {};
  const extensions = new Map<unknown, unknown>();
  if (Array.isArray(extra.linkExtensions)) for (const item of extra.linkExtensions) if (isRecord(item)) extensions.set(item.id, item.parentId);
  for (const link of level.links) if (link.parentId === undefined && extensions.has(link.id)) link.parentId = extensions.get(link.id);
  const ids = level.nodes.map((node) => Number(node.id)).filter((id) => Number.isInteger(id) && id < NODE_ID_MAX);
  const links = level.links.map((link) => link.id as number);
  const reroutes = [...level.reroutes, ...(Array.isArray(extra.reroutes) ? extra.reroutes.filter(isRecord) : [])];
  const state = isRecord(source.state) ? source.state : {};
  const number = (value: unknown): number => (typeof value === "number" && Number.isInteger(value) ? value : 0);
  return {
    version: 1, links: level.links, reroutes,
    state: {
      lastGroupId: number(state.lastGroupId),
      lastNodeId: Math.max(number(source.last_node_id), number(state.lastNodeId), 0, ...ids),
      lastLinkId: Math.max(number(source.last_link_id), number(state.lastLinkId), 0, ...links),
      lastRerouteId: Math.max(number(state.lastRerouteId), 0, ...reroutes.map((item) => number(item.id))),
    },
  };
}

function prepareLevel(
  source: Raw, subgraphs: Map<string, SubgraphJson>, types: Set<string>, warnings: string[], rejected: unknown[], label: string,
): Level {
  const nodes: NodeJson[] = [];
  const byId = new Map<string, NodeJson>();
  for (const raw of Array.isArray(source.nodes) ? source.nodes : []) {
    const node = raw as NodeJson;
    const fits = isRecord(raw) && typeof raw.type === "string" && raw.type !== "" && (typeof raw.id === "number" || typeof raw.id === "string");
    if (!fits || byId.has(String(node.id))) {
      rejected.push(raw);
      warnings.push(fits ? `Two nodes of ${label} have the id ${node.id}; the second one is kept in the file but not shown.`
        : `An entry of ${label} is no node (it needs an id and a type); it is kept in the file but not shown.`);
      continue;
    }
    byId.set(String(node.id), node);
    if (!subgraphs.has(node.type)) types.add(node.type);
    nodes.push(node);
  }
  const links = prepareLinks(source.links, byId, subgraphs, warnings, label);
  return {
    nodes, links,
    groups: (Array.isArray(source.groups) ? source.groups : []).filter((group): group is Raw => isRecord(group) && Array.isArray(group.bounding) && group.bounding.length >= 4)
      .map((group) => ({ ...group, title: String(group.title ?? "Group") })),
    reroutes: (Array.isArray(source.reroutes) ? source.reroutes : []).filter(isRecord),
    floatingLinks: (Array.isArray(source.floatingLinks) ? source.floatingLinks : []).filter(isRecord),
  };
}

function prepareLinks(
  raw: unknown, nodes: Map<string, NodeJson>, subgraphs: Map<string, SubgraphJson>, warnings: string[], label: string,
): Raw[] {
  const links: Raw[] = [];
  for (const item of Array.isArray(raw) ? raw : []) {
    const link = linkObject(item);
    if (!link) {
      if (item !== null) warnings.push(`A link of ${label} cannot be read and was left out.`);
      continue;
    }
    const target = nodes.get(String(link.target_id));
    const inputs = Array.isArray(target?.inputs) ? target.inputs : [];
    // the saved inputs say where a link ends: slot numbers depend on what the writer left out
    const at = inputs.findIndex((input) => isRecord(input) && input.link === link.id);
    if (at >= 0) link.target_slot = at;
    const definition = target && subgraphs.get(target.type);
    if (definition && at >= 0) {
      const names = instanceInputs(inputs as Raw[], { inputs: ioSlots(definition.inputs) as never });
      const moved = names.findIndex((input) => input.link === link.id);
      if (moved >= 0) link.target_slot = moved;
    }
    links.push(link);
  }
  return links;
}

export function linkObject(item: unknown): Raw | null {
  if (Array.isArray(item)) {
    if (item.length < 5 || typeof item[0] !== "number") return null;
    const [id, origin_id, origin_slot, target_id, target_slot, type] = item as unknown[];
    return { id, origin_id, origin_slot, target_id, target_slot, type: type ?? "*" };
  }
  return isRecord(item) && typeof item.id === "number" && item.origin_id != null && item.target_id != null ? { ...item } : null;
}

function collectDefinitions(source: Raw, warnings: string[]): SubgraphJson[] {
  const list = isRecord(source.definitions) ? source.definitions.subgraphs : undefined;
  const out: SubgraphJson[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    if (!isRecord(item) || typeof item.id !== "string") {
      warnings.push("A subgraph definition without an id was left out.");
      continue;
    }
    out.push(item as SubgraphJson, ...collectDefinitions(item, warnings));
  }
  return out;
}

/** Inner definitions first: an instance copies its definition's inputs when it is made. */
function sortDefinitions(definitions: SubgraphJson[]): SubgraphJson[] {
  const byId = new Map(definitions.map((definition) => [definition.id, definition]));
  const out: SubgraphJson[] = [];
  const state = new Map<string, boolean>();
  const visit = (definition: SubgraphJson): void => {
    if (state.has(definition.id)) return;
    state.set(definition.id, true);
    for (const node of Array.isArray(definition.nodes) ? definition.nodes : []) {
      const inner = byId.get(node?.type);
      if (inner) visit(inner);
    }
    out.push(definition);
  };
  definitions.forEach(visit);
  return out;
}

function ioNode(raw: unknown, id: number, x: number): Raw {
  const node = isRecord(raw) ? raw : {};
  const bounding = Array.isArray(node.bounding) && node.bounding.length >= 4 ? node.bounding : [x, 0, 120, 60];
  return { ...node, id, bounding };
}

function ioSlots(raw: unknown): Raw[] {
  return (Array.isArray(raw) ? raw : []).filter((slot): slot is Raw => isRecord(slot) && typeof slot.name === "string")
    .map((slot, i) => ({ ...slot, id: typeof slot.id === "string" ? slot.id : `slot-${i}`, linkIds: Array.isArray(slot.linkIds) ? slot.linkIds : [] }));
}

// UI JSON ⇄ litegraph: makes any document loadable, and saves the graph in the form the file had.
import { same, valueSlots, writeValues, type ValueSlot } from "../widgets/values";
import { isRecord } from "./definitions";
import { type LGraph, type LGraphNode, LiteGraph, type Subgraph, SubgraphNode } from "./litegraph";
import { ComfyNode, initialValues, instanceInputs, sources, tails, UnknownNode } from "./nodes";
import { isPreviewWidget } from "./preview";
import type { NodeId, NodeJson, SubgraphJson, WorkflowJson } from "./types";
import type { AnyWidget } from "./widget-classes";

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

// ------------------------------------------------------------------------------------------------------------- saving

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

/** litegraph holds coordinates in 32 bits; a value that did not move goes back as the file had it. */
function keepPrecision(live: unknown, saved: unknown): unknown {
  if (typeof live === "number") return typeof saved === "number" && Math.fround(saved) === Math.fround(live) ? saved : live;
  if (ArrayBuffer.isView(live)) return keepPrecision([...(live as Float32Array)], saved);
  if (Array.isArray(live)) return live.map((value, i) => keepPrecision(value, Array.isArray(saved) ? saved[i] : (saved as Raw | undefined)?.[i]));
  return live;
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

/** `slots` receives, for each node, the saved index of every input (-1: left out). */
export function saveNode(node: LGraphNode, slots: Map<NodeId, number[]> = new Map()): NodeJson {
  const old = (sources.get(node) ?? {}) as Raw;
  const loaded = sources.has(node);
  const out: Raw = { ...old };
  out.id = node.id;
  out.type = node.type;
  out.pos = keepPrecision([node.pos[0], node.pos[1]], old.pos);
  out.size = keepPrecision([node.size[0], node.size[1]], old.size);
  out.flags = { ...node.flags };
  out.order = node.order;
  out.mode = node.mode;
  const { inputs, places } = saveInputs(node, old, loaded);
  slots.set(node.id, places);
  if (inputs.length || Array.isArray(old.inputs)) out.inputs = inputs;
  const outputs = saveOutputs(node, old, loaded);
  if (outputs.length || Array.isArray(old.outputs)) out.outputs = outputs;
  if (old.title !== undefined || (node.title && node.title !== (node.constructor as { title?: string }).title)) out.title = node.title;
  out.properties = LiteGraph.cloneObject(node.properties as never) ?? {};
  for (const key of ["color", "bgcolor", "boxcolor", "shape", "showAdvanced"] as const) {
    const value = node[key as "color"];
    if (value === undefined || value === null || (value as unknown) === false) {
      if (!(key === "showAdvanced" && value === old[key])) delete out[key];
    } else out[key] = value;
  }
  const values = saveValues(node, old);
  if (values === undefined) delete out.widgets_values;
  else out.widgets_values = values;
  try {
    node.onSerialize?.(out as never);
  } catch {
    // a pack's hook must not keep the document from being saved
  }
  return out as NodeJson;
}

function saveInputs(node: LGraphNode, old: Raw, loaded: boolean): { inputs: Raw[]; places: number[] } {
  const saved = (Array.isArray(old.inputs) ? old.inputs : []).filter(isRecord);
  const left = [...saved];
  const inputs: Raw[] = [];
  const places: number[] = [];
  for (const input of node.inputs ?? []) {
    const at = left.findIndex((slot) => slot.name === input.name);
    const before = at >= 0 ? left.splice(at, 1)[0] : undefined;
    // an instance takes its labels from the definition
    const spare = input.link == null && (!input.label || node instanceof SubgraphNode) && !before;
    if (spare && (input.widget || (loaded && (node instanceof ComfyNode || node instanceof SubgraphNode)))) {
      places.push(-1);
      continue;
    }
    places.push(inputs.push(saveSlot(input as AnyWidget, before, { link: input.link ?? null })) - 1);
  }
  return { inputs, places };
}

function saveOutputs(node: LGraphNode, old: Raw, loaded: boolean): Raw[] {
  const saved = (Array.isArray(old.outputs) ? old.outputs : []).filter(isRecord);
  const out: Raw[] = [];
  (node.outputs ?? []).forEach((output, i) => {
    const before = saved[i];
    if (loaded && !before && node instanceof ComfyNode && !output.links?.length && i >= saved.length) return;
    const links = output.links?.length ? [...output.links] : before && before.links === null ? null : Array.isArray(output.links) || before ? [] : null;
    out.push(saveSlot(output as AnyWidget, before, { links }));
  });
  return out;
}

/** A slot as the file had it, with what is live: links, label, and for new slots name, type and widget. */
function saveSlot(slot: AnyWidget, before: Raw | undefined, live: Raw): Raw {
  if (before) {
    const out: Raw = { ...before, ...live };
    if (slot.label !== undefined) out.label = slot.label;
    // a reroute's type follows its links, a definition's type does not rewrite the file
    if (slot.name !== before.name) out.name = slot.name;
    if (before.type === "*" && slot.type !== "*") out.type = slot.type;
    return out;
  }
  const out: Raw = { name: slot.name, type: slot.type };
  for (const key of ["label", "localized_name", "shape", "dir"]) if (slot[key] !== undefined) out[key] = slot[key];
  if (slot.widget) out.widget = { name: slot.widget.name };
  return { ...out, ...live };
}

function saveValues(node: LGraphNode, old: Raw): unknown {
  if (node instanceof UnknownNode) return old.widgets_values;
  const widgets = ((node.widgets ?? []) as AnyWidget[]).filter((widget) => widget.serialize !== false && !isPreviewWidget(widget));
  if (!widgets.length) return old.widgets_values;
  const values = widgets.map((widget) => cloneValue(widget.value));
  const plan = node instanceof ComfyNode ? (node.constructor as typeof ComfyNode).plan : null;
  const known: ValueSlot[] = plan ? valueSlots(plan) : [];
  const initial = initialValues.get(node);
  const slots = widgets.map((widget, i) => known[i] ?? { name: widget.name, defaultValue: initial?.[i] });
  const absent = sources.has(node) && old.widgets_values == null;
  const out = writeValues(slots, values, absent ? [] : old.widgets_values, tails.get(node) ?? []);
  return absent && Array.isArray(out) && !out.length ? old.widgets_values : out;
}

function cloneValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  try {
    return structuredClone(value);
  } catch {
    return null;
  }
}

/** Two saved nodes that a person could not tell apart; execution order is derived and does not count. */
export function sameNode(a: NodeJson, b: NodeJson): boolean {
  return same({ ...a, order: 0 }, { ...b, order: 0 });
}

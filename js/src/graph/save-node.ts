// Saves one node in the form the file had: only what a person changed differs.
import { same, valueSlots, writeValues, type ValueSlot } from "../widgets/values";
import { ComfyNode, UnknownNode } from "./defined-node";
import { isRecord } from "./definitions";
import { LGraphNode, LiteGraph, SubgraphNode } from "./litegraph";
import { savedWidgets, widgetsBeyond } from "./live-values";
import { planOf } from "./live-inputs";
import { plannedInputs } from "./node-slots";
import { filledIn, initialValues, sources, tails } from "./node-source";
import { packHooks } from "./pack-hooks";
import { lastingSize } from "./preview-widgets";
import type { NodeId, NodeJson } from "./types";
import { VirtualNode } from "./virtual-node";
import type { AnyWidget } from "./widget-classes";

type Raw = Record<string, unknown>;

/** `slots` receives, for each node, the saved index of every input (-1: left out). */
export function saveNode(node: LGraphNode, slots: Map<NodeId, number[]> = new Map()): NodeJson {
  if (isPackNode(node)) return savePackNode(node);
  const old = (sources.get(node) ?? {}) as Raw;
  const loaded = sources.has(node);
  const out: Raw = { ...old };
  out.id = node.id;
  out.type = node.type;
  out.pos = keepPrecision([node.pos[0], node.pos[1]], old.pos);
  out.size = keepPrecision(lastingSize(node), old.size);
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
  nameMoved(node, out);
  try {
    if (node.serialize === LGraphNode.prototype.serialize) node.onSerialize?.(out as never);
    else addSerialized(node, out);
  } catch {
    // a pack's hook must not keep the document from being saved
  }
  return out as NodeJson;
}

function savePackNode(node: LGraphNode): NodeJson {
  const old = (sources.get(node) ?? {}) as Raw;
  const out = plainJson(node.serialize()) as Raw;
  // litegraph leaves holes for widgets that are not saved, and closes them when it loads
  if (node.widgets && node.serialize_widgets) out.widgets_values = savedWidgets(node).map((widget) => cloneValue(widget.value));
  return { ...out, pos: keepPrecision(out.pos, old.pos), size: keepPrecision(lastingSize(node), old.size) } as NodeJson;
}

function plainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

/** A node of a class that a pack wrote, which knows itself how it is saved. */
export function isPackNode(node: LGraphNode): boolean {
  return !(node instanceof ComfyNode || node instanceof VirtualNode || node instanceof UnknownNode || node instanceof SubgraphNode);
}

/** What a pack's own `serialize` says beside what every node has. */
function addSerialized(node: LGraphNode, out: Raw): void {
  const theirs = plainJson(node.serialize()) as Raw;
  for (const [key, value] of Object.entries(theirs)) {
    if (!(key in out) || key === "properties" || key === "widgets_values") out[key] = value;
  }
}

function saveInputs(node: LGraphNode, old: Raw, loaded: boolean): { inputs: Raw[]; places: number[] } {
  const saved = (Array.isArray(old.inputs) ? old.inputs : []).filter(isRecord);
  const left = [...saved];
  const inputs: Raw[] = [];
  const places: number[] = [];
  const plan = node instanceof ComfyNode ? planOf(node) : null;
  const planned = plan?.dynamic ? new Set(plannedInputs(plan).map((slot) => slot.name)) : null;
  const leaves = (input: object & { name: string }): boolean => filledIn.has(input) || planned?.has(input.name) === true || node instanceof SubgraphNode;
  for (const input of node.inputs ?? []) {
    const at = left.findIndex((slot) => slot.name === input.name);
    const before = at >= 0 ? left.splice(at, 1)[0] : undefined;
    // an instance takes its labels from the definition
    const spare = input.link == null && (!input.label || node instanceof SubgraphNode) && !before;
    if (spare && (input.widget || (loaded && leaves(input)))) {
      places.push(-1);
      continue;
    }
    places.push(inputs.push(saveSlot(input as AnyWidget, before, { link: input.link ?? null })) - 1);
  }
  return { inputs, places };
}

function saveOutputs(node: LGraphNode, old: Raw, loaded: boolean): Raw[] {
  const saved = (Array.isArray(old.outputs) ? old.outputs : []).filter(isRecord);
  const planned = node instanceof ComfyNode ? planOf(node).outputs.length : 0;
  const out: Raw[] = [];
  (node.outputs ?? []).forEach((output, i) => {
    const before = saved[i];
    if (loaded && !before && i < planned && !output.links?.length && i >= saved.length) return;
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
  const widgets = savedWidgets(node);
  if (!widgets.length) return packWidgets.has(node) ? undefined : old.widgets_values;
  const values = widgets.map((widget) => cloneValue(widget.cnSaved ? widget.cnSaved() : widget.value));
  const plan = node instanceof ComfyNode ? planOf(node) : null;
  const beyond = plan && widgetsBeyond(widgets, plan);
  if (plan && beyond !== 0) packWidgets.add(node);
  const known: ValueSlot[] = plan && beyond !== null ? valueSlots(plan) : [];
  const initial = initialValues.get(node);
  const slots = widgets.map((widget, i) => known[i] ?? { name: widget.name, defaultValue: plan ? undefined : initial?.[i] });
  const absent = sources.has(node) && old.widgets_values == null;
  const tail = packWidgets.has(node) ? [] : (tails.get(node) ?? []);
  const out = writeValues(slots, values, absent ? [] : old.widgets_values, tail);
  return absent && Array.isArray(out) && !out.length ? old.widgets_values : out;
}

/** The key of `properties` for the names of the saved values, there where a pack moved widgets of the definition. */
const NAMES = "comfy_notebook_widgets";

/** Python reads values by their place in the definition; of widgets that a pack moved, names tell the place. */
function nameMoved(node: LGraphNode, out: Raw): void {
  const plan = node instanceof ComfyNode ? planOf(node) : null;
  if (!plan || !packHooks()) return; // without packs' scripts the file stands as it is
  const widgets = savedWidgets(node);
  const names = widgets.map(({ name }) => name);
  const properties = out.properties as Raw;
  delete properties[NAMES];
  const values = out.widgets_values;
  if (widgetsBeyond(widgets, plan) !== null || !Array.isArray(values) || values.length !== names.length) return;
  if (new Set(names).size === names.length) properties[NAMES] = names;
}

/** Nodes that had widgets of packs: values beyond the definition's are these widgets', however many there are now. */
const packWidgets = new WeakSet<LGraphNode>();

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

/** litegraph holds coordinates in 32 bits; a value that did not move goes back as the file had it. */
export function keepPrecision(live: unknown, saved: unknown): unknown {
  if (typeof live === "number") return typeof saved === "number" && Math.fround(saved) === Math.fround(live) ? saved : live;
  if (ArrayBuffer.isView(live)) return keepPrecision([...(live as Float32Array)], saved);
  if (Array.isArray(live)) return live.map((value, i) => keepPrecision(value, Array.isArray(saved) ? saved[i] : (saved as Raw | undefined)?.[i]));
  return live;
}

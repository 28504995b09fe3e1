// The node classes that documents are made of: defined nodes, unknown ones, notes, reroutes, primitives, subgraph instances.
import { plainText } from "../widgets/number";
import { renderMarkdown } from "../widgets/markdown";
import { readValues, type ReadValues, valueSlots } from "../widgets/values";
import { addTextArea, buildWidgets, guardElement } from "./build-widgets";
import { isRecord, type NodePlan, planNode, type WidgetPlan } from "./definitions";
import { addDomWidget } from "./dom-widget";
import { type LGraph, LGraphNode, LiteGraph, type Subgraph, SubgraphNode } from "./litegraph";
import { loading } from "./loading";
import { activeSurface } from "./surface";
import type { NodeInfo, NodeJson } from "./types";
import type { AnyWidget } from "./widget-classes";

const HOLLOW = 7;
const GRID = 6;

/** What a node was loaded from: the form to go back to. */
export const sources = new WeakMap<LGraphNode, NodeJson>();
/** Values beyond the known widgets. */
export const tails = new WeakMap<LGraphNode, unknown[]>();

const KNOWN = new Set([
  "id", "type", "pos", "size", "flags", "order", "mode", "inputs", "outputs", "properties", "widgets_values", "title", "color", "bgcolor",
  "shape", "boxcolor", "showAdvanced",
]);

/** A copy that litegraph can take in: right shapes, and no key that would replace a method of the node. */
export function safeNodeJson(info: NodeJson, node: object): NodeJson {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(info)) if (KNOWN.has(key) || !(key in node)) out[key] = value;
  const pair = (value: unknown, a: number, b: number): [number, number] => {
    const list = value as Record<number, unknown> | null | undefined;
    const number = (raw: unknown, fallback: number): number => (Number.isFinite(Number(raw)) && raw !== null ? Number(raw) : fallback);
    return [number(list?.[0], a), number(list?.[1], b)];
  };
  out.pos = pair(info.pos, 0, 0);
  if (info.size !== undefined) out.size = pair(info.size, 200, 80);
  out.flags = isRecord(info.flags) ? info.flags : {};
  out.properties = isRecord(info.properties) ? info.properties : {};
  out.mode = typeof info.mode === "number" ? info.mode : 0;
  if (info.title !== undefined && info.title !== null) out.title = String(info.title);
  for (const key of ["inputs", "outputs"] as const) {
    out[key] = Array.isArray(info[key]) ? (info[key] as unknown[]).filter(isRecord) : [];
  }
  for (const key of ["color", "bgcolor", "boxcolor"]) if (out[key] !== undefined && typeof out[key] !== "string") delete out[key];
  return out as NodeJson;
}

type Slot = Record<string, unknown>;

/** Saved inputs first, as they were; then what the definition has beside them. */
export function mergeInputs(saved: Slot[], plan: NodePlan): Slot[] {
  const planned = new Map<string, Slot>();
  for (const slot of plannedInputs(plan)) planned.set(slot.name as string, slot);
  const out: Slot[] = [];
  for (const slot of saved) {
    const match = planned.get(String(slot.name));
    planned.delete(String(slot.name));
    out.push(match ? { ...slot, type: match.type, shape: match.shape ?? slot.shape, localized_name: slot.localized_name ?? match.localized_name, widget: match.widget ?? undefined } : { ...slot });
  }
  const pure = [...planned.values()].filter((slot) => !slot.widget);
  const widgets = [...planned.values()].filter((slot) => slot.widget);
  return [...out, ...pure, ...widgets];
}

export function plannedInputs(plan: NodePlan): Slot[] {
  const sockets: Slot[] = plan.sockets.map(({ name, type, label, optional }) => ({
    name, type, link: null, ...(optional ? { shape: HOLLOW } : {}), ...(label !== name ? { localized_name: label } : {}),
  }));
  const widgets: Slot[] = plan.widgets.filter((widget) => !widget.socketless).map(({ name, type, label, optional }) => ({
    name, type, link: null, widget: { name }, ...(optional ? { shape: HOLLOW } : {}), ...(label !== name ? { localized_name: label } : {}),
  }));
  return [...sockets, ...widgets];
}

function mergeOutputs(saved: Slot[], plan: NodePlan): Slot[] {
  const out: Slot[] = saved.map((slot, i) => {
    const planned = plan.outputs[i];
    return planned ? { ...slot, type: planned.type, ...(planned.list ? { shape: GRID } : {}) } : { ...slot };
  });
  for (const planned of plan.outputs.slice(saved.length)) out.push(plannedOutput(planned));
  return out;
}

function plannedOutput({ name, type, list }: NodePlan["outputs"][number]): Slot {
  return { name, type, links: null, ...(list ? { shape: GRID } : {}) };
}

/** Hooks of packs, run for every new node. */
export const nodeCreatedHooks = new Set<(node: LGraphNode) => void>();

function created(node: LGraphNode): void {
  for (const hook of nodeCreatedHooks) {
    try {
      hook(node);
    } catch (error) {
      activeSurface()?.services.notify("warning", `An extension failed on a new ${node.type}: ${String(error)}`);
    }
  }
}

/** A node of `object_info`. */
export class ComfyNode extends LGraphNode {
  static plan: NodePlan;
  static nodeData: NodeInfo;
  static comfyClass: string;
  declare serialize_widgets: boolean;

  constructor(title: string) {
    super(title);
    const Class = this.constructor as typeof ComfyNode;
    this.serialize_widgets = true;
    this.comfyClass = Class.comfyClass;
    this.type = Class.comfyClass;
    // measured once at the end: litegraph would measure again for every part
    this.expandToFitContent = () => undefined;
    buildWidgets(this, Class.plan);
    for (const { name, type, ...rest } of plannedInputs(Class.plan)) this.addInput(name as string, type as string, rest as never);
    for (const output of Class.plan.outputs) {
      const { name, type, links: _, ...rest } = plannedOutput(output);
      this.addOutput(name as string, type as string, rest as never);
    }
    delete (this as { expandToFitContent?: unknown }).expandToFitContent;
    if (!loading.on) {
      const size = this.computeSize();
      this.setSize([Math.max(size[0], this.widgets?.length ? 210 : 140), size[1]]);
    }
    this.properties["Node name for S&R"] = Class.comfyClass;
    created(this);
  }

  override configure(info: never): void {
    configureNode(this, info as NodeJson, (this.constructor as typeof ComfyNode).plan, (safe) => super.configure(safe as never));
  }
}

function configureNode(node: LGraphNode, info: NodeJson, plan: NodePlan, configure: (safe: NodeJson) => void): void {
  sources.set(node, structuredClone(info));
  const safe = safeNodeJson(info, node);
  const read: ReadValues = readValues(plan, info.widgets_values);
  tails.set(node, read.tail);
  delete node.properties["Node name for S&R"]; // a default for new nodes, not for what a file leaves out
  safe.inputs = mergeInputs(safe.inputs ?? [], plan);
  safe.outputs = mergeOutputs(safe.outputs ?? [], plan);
  safe.widgets_values = structuredClone(read.values);
  if (loading.on && info.size === undefined) node.setSize(node.computeSize());
  try {
    configure(safe);
  } catch (error) {
    activeSurface()?.services.notify("warning", `Node ${String(info.id)} (${info.type}) was taken only in part: ${String(error)}`);
  }
}

/** A node nobody defined: sockets and values stay as they are. */
export class UnknownNode extends LGraphNode {
  static override skip_list = true;
  readonly isUnknown = true;

  constructor(title: string) {
    super(title);
    this.serialize_widgets = false;
  }

  override configure(info: never): void {
    const json = info as NodeJson;
    sources.set(this, structuredClone(json));
    const safe = safeNodeJson(json, this);
    // without their widgets these are plain sockets; the saved form is restored on saving
    safe.inputs = (safe.inputs ?? []).map(({ widget: _, pos: __, ...slot }) => slot);
    delete safe.widgets_values;
    try {
      super.configure(safe as never);
    } catch {
      this.has_errors = true;
    }
    if (!json.title) this.title = json.type;
  }

  /** Copies carry the values too. */
  override onSerialize(out: never): void {
    const saved = sources.get(this);
    if (saved?.widgets_values !== undefined) (out as NodeJson).widgets_values = structuredClone(saved.widgets_values);
  }
}

/** Base of the nodes that exist only in the editor. */
class VirtualNode extends LGraphNode {
  static override category = "utils";
  override isVirtualNode = true;

  override configure(info: never): void {
    const json = info as NodeJson;
    sources.set(this, structuredClone(json));
    // defaults are for new nodes, not for what a file leaves out
    for (const key of Object.keys(this.properties)) delete this.properties[key];
    delete (this as { color?: string }).color;
    delete (this as { bgcolor?: string }).bgcolor;
    try {
      super.configure(safeNodeJson(json, this) as never);
    } catch (error) {
      activeSurface()?.services.notify("warning", `Node ${String(json.id)} (${json.type}) was taken only in part: ${String(error)}`);
    }
  }
}

export class NoteNode extends VirtualNode {
  static override title = "Note";
  override color = "#432";
  override bgcolor = "#653";

  constructor(title: string) {
    super(title);
    this.serialize_widgets = true;
    const widget = addTextArea(this, "text", { options: { placeholder: "Note" }, defaultValue: "", label: "Note" });
    (widget as AnyWidget).name = "";
    this.setSize([240, 130]);
  }
}

export class MarkdownNoteNode extends VirtualNode {
  static override title = "Markdown Note";
  override color = "#432";
  override bgcolor = "#653";

  constructor(title: string) {
    super(title);
    this.serialize_widgets = true;
    addMarkdown(this);
    this.setSize([260, 160]);
  }
}

function addMarkdown(node: LGraphNode): void {
  const holder = document.createElement("div");
  const view = document.createElement("div");
  view.className = "cn-markdown";
  view.title = "Double-click to edit";
  const area = document.createElement("textarea");
  area.className = "cn-textarea";
  area.hidden = true;
  area.style.display = "none";
  area.setAttribute("aria-label", "Markdown text");
  holder.append(view, area);
  let held: unknown = "";
  const show = (): void => renderMarkdown(view, plainText(held));
  const edit = (on: boolean): void => {
    area.style.display = on ? "" : "none";
    view.style.display = on ? "none" : "";
    if (on) {
      area.value = plainText(held);
      area.focus();
    } else show();
  };
  const widget = addDomWidget(node, "", "MARKDOWN", holder, {
    getValue: () => held,
    setValue: (value) => {
      held = value;
      show();
    },
    getMinHeight: () => 40,
  });
  view.addEventListener("dblclick", () => {
    if (!activeSurface()?.readOnly) edit(true);
  });
  area.addEventListener("blur", () => edit(false));
  area.addEventListener("input", () => {
    const old = held;
    held = area.value;
    node.onWidgetChanged?.("", held, old, widget as AnyWidget);
    activeSurface()?.changed("widget");
  });
  guardElement(view);
  guardElement(area);
}

/** The legacy reroute: a small node that passes one link on and takes its type. */
export class RerouteNode extends VirtualNode {
  static override title = "Reroute";
  static title_mode = 1; // NO_TITLE
  static collapsable = false;

  constructor(title: string) {
    super(title);
    this.addInput("", "*");
    this.addOutput("", "*");
    this.properties.showOutputText = false;
    this.properties.horizontal = false;
    this.setSize([75, 26]);
    this.resizable = false;
  }

  override computeSize(): [number, number] {
    return [75, 26];
  }

  override onConnectionsChange(): void {
    if (!loading.on) this.settle(new Set());
  }

  onGraphConfigured(): void {
    this.settle(new Set());
  }

  /** Takes the type of what comes in (else of what it feeds) and hands it on to reroutes behind it. */
  settle(seen: Set<LGraphNode>): void {
    if (seen.has(this) || !this.graph) return;
    seen.add(this);
    const type = this.incoming(new Set()) ?? this.outgoing() ?? "*";
    const output = this.outputs[0];
    const input = this.inputs[0];
    if (!output || !input) return;
    output.type = type;
    output.name = this.properties.showOutputText ? String(type) : "";
    for (const id of output.links ?? []) {
      const link = this.graph.getLink(id);
      if (!link) continue;
      if (type !== "*") link.type = type;
      const target = this.graph.getNodeById(link.target_id);
      if (target instanceof RerouteNode) target.settle(seen);
    }
  }

  private incoming(seen: Set<LGraphNode>): string | null {
    if (seen.has(this)) return null;
    seen.add(this);
    const link = this.inputs[0]?.link == null ? null : this.graph?.getLink(this.inputs[0].link);
    if (!link) return null;
    const origin = this.graph?.getNodeById(link.origin_id);
    if (origin instanceof RerouteNode) return origin.incoming(seen);
    // the origin of an outermost link inside a subgraph is the subgraph's own input, no node
    const type = origin ? (origin.outputs[link.origin_slot]?.type ?? link.type) : link.type;
    return type === "*" ? null : String(type);
  }

  private outgoing(): string | null {
    for (const id of this.outputs[0]?.links ?? []) {
      const link = this.graph?.getLink(id);
      const target = link && this.graph?.getNodeById(link.target_id);
      if (target && !(target instanceof RerouteNode)) return String(target.inputs[link.target_slot]?.type ?? "*");
    }
    return null;
  }
}

/** Gives a value to widgets it is linked to; takes its kind from the first of them. */
export class PrimitiveNode extends VirtualNode {
  static override title = "Primitive";

  constructor(title: string) {
    super(title);
    this.addOutput("connect to widget input", "*");
    this.serialize_widgets = true;
    this.setSize([210, 60]);
  }

  onGraphConfigured(): void {
    this.settle();
  }

  override onConnectionsChange(): void {
    if (this.graph && !loading.on) this.settle();
  }

  override onConnectOutput(_slot: number, _type: unknown, input: unknown): boolean {
    const target = input as { widget?: unknown; type?: unknown };
    return !!target.widget || target.type === "*";
  }

  /** The widget of the first target, however many links there are. */
  private target(): { node: LGraphNode; widget: AnyWidget; type: string } | null {
    for (const id of this.outputs[0]?.links ?? []) {
      const link = this.graph?.getLink(id);
      const node = link && this.graph?.getNodeById(link.target_id);
      const input = node?.inputs[link?.target_slot ?? -1];
      const widget = input && (node?.getWidgetFromSlot(input) as AnyWidget);
      if (node && widget) return { node, widget, type: String(input.type) };
    }
    return null;
  }

  private settle(): void {
    const target = this.target();
    const output = this.outputs[0];
    if (!output) return;
    if (!target) {
      if (output.links?.length) return; // linked to something without a widget: keep what there is
      this.widgets = [];
      output.type = "*";
      output.name = "connect to widget input";
      return;
    }
    const plan = (target.widget.cnPlan ?? null) as WidgetPlan | null;
    if (this.widgets?.length || !plan) return;
    output.type = target.type;
    if (output.name === "connect to widget input") output.name = target.type;
    const saved = sources.get(this)?.widgets_values;
    const control = plan.kind === "int" || plan.kind === "float" || plan.kind === "combo" ? "control_after_generate" : null;
    const own: WidgetPlan = { ...plan, name: "value", label: "value", control, controlDefault: "fixed", defaultValue: target.widget.value };
    const whole: NodePlan = { sockets: [], widgets: [own], outputs: [], upload: null, forced: [], order: ["value"] };
    const size = [this.size[0], this.size[1]] as [number, number];
    buildWidgets(this, whole);
    const { values, tail } = readValues(whole, saved);
    tails.set(this, tail);
    initialValues.set(this, valueSlots(whole).map((slot) => slot.defaultValue));
    this.widgets?.forEach((widget, i) => {
      if (i < values.length) widget.value = values[i] as never;
    });
    if (loading.on) return this.setSize(size); // a loaded node keeps its size
    const needed = this.computeSize();
    this.setSize([Math.max(size[0], needed[0]), Math.max(size[1], needed[1])]);
  }
}

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

/** Registers a definition; the class is new each time so that packs' hooks run on a clean prototype. */
export function registerDefinition(type: string, info: NodeInfo, custom: ReadonlySet<string>, hooks: Iterable<(nodeType: unknown, info: NodeInfo) => void>): void {
  const Class = class extends ComfyNode {};
  Object.defineProperty(Class, "name", { value: type });
  Class.title = info.display_name || info.name || type;
  Class.comfyClass = type;
  Class.nodeData = info;
  for (const hook of hooks) {
    try {
      hook(Class, info);
    } catch (error) {
      activeSurface()?.services.notify("warning", `An extension failed on the node type ${type}: ${String(error)}`);
    }
  }
  Class.plan = planNode(info, custom);
  LiteGraph.registerNodeType(type, Class as never);
  (Class as AnyWidget).category = info.category ?? "";
  (Class as AnyWidget).title = info.display_name || info.name || type;
}

export function registerUnknown(type: string): void {
  const Class = class extends UnknownNode {};
  LiteGraph.registerNodeType(type, Class as never);
  (Class as AnyWidget).title = type;
}

/** Registers the instance class of a subgraph definition. */
export function registerSubgraph(root: LGraph, subgraph: Subgraph): void {
  const Class = class extends SubgraphNode {
    static comfyClass = subgraph.id;

    constructor() {
      super(root as never, subgraph, {
        id: -1, type: subgraph.id, pos: [0, 0], size: [210, 80], inputs: [], outputs: [], flags: {}, order: 0, mode: 0, properties: {},
      } as never);
      this.serialize_widgets = true;
      this.title = subgraph.name;
      this.title_buttons = [];
      this.onMouseDown = (_event, pos, canvas) => {
        // the mark at the right of the title; litegraph replaces onClick, so the pointer's end is used
        if ((pos[1] ?? 0) > 0 || this.flags.collapsed || (pos[0] ?? 0) < this.size[0] - 26) return false;
        canvas.pointer.finally = () => {
          canvas.selectNodes([this]);
          canvas.openSubgraph(subgraph);
        };
        return true;
      };
    }

    override configure(info: never): void {
      const json = info as NodeJson;
      if (json.id !== -1) sources.set(this, structuredClone(json));
      const safe = safeNodeJson(json, this);
      safe.widgets_values = Array.isArray(json.widgets_values) ? structuredClone(json.widgets_values) : undefined;
      safe.inputs = instanceInputs(safe.inputs ?? [], subgraph);
      try {
        super.configure(safe as never);
        dropStaleSlots(this);
      } catch (error) {
        activeSurface()?.services.notify("warning", `Subgraph ${String(json.id)} (${subgraph.name}) was taken only in part: ${String(error)}`);
      }
      initialValues.set(this, (this.widgets ?? []).map((widget) => widget.value));
      const known = this.widgets?.length ?? 0;
      tails.set(this, Array.isArray(json.widgets_values) ? json.widgets_values.slice(known) : []);
    }
  };
  Object.defineProperty(Class, "name", { value: "SubgraphInstance" });
  LiteGraph.registerNodeType(subgraph.id, Class as never);
  (Class as AnyWidget).title = subgraph.name;
  (Class as AnyWidget).skip_list = true;
}

/** Values right after loading: a trailing one that still has it was not in the file and need not be. */
export const initialValues = new WeakMap<LGraphNode, unknown[]>();

/** Saved inputs in the definition's order, by name: files leave out unlinked widget inputs. */
export function instanceInputs(saved: Slot[], subgraph: { inputs: { name: string; type: unknown; label?: string }[] }): Slot[] {
  const left = [...saved];
  const ordered = subgraph.inputs.map(({ name, type, label }) => {
    const at = left.findIndex((slot) => slot.name === name);
    if (at >= 0) return left.splice(at, 1)[0] as Slot;
    return { name, type, link: null, ...(label ? { label } : {}) };
  });
  return [...ordered, ...left];
}

/** litegraph's configure lays the saved slots over the definition's; extra ones without a definition would be dead. */
function dropStaleSlots(node: SubgraphNode): void {
  for (let i = node.inputs.length - 1; i >= 0; i--) {
    const input = node.inputs[i];
    if (input && input.link == null && !node.subgraph.inputNode.slots.some((slot) => slot.name === input.name)) node.inputs.splice(i, 1);
  }
}

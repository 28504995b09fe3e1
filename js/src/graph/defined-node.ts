// Nodes of `object_info`, and those that nobody defined.
import { buildWidgets } from "./build-widgets";
import { type NodePlan, planNode } from "./definitions";
import { LGraphNode, LiteGraph } from "./litegraph";
import { type DefinedClass, followLive, planOf, planSaved, takePlan, watchDeciders } from "./live-inputs";
import { liveValues } from "./live-values";
import { loading } from "./loading";
import { matchTypes } from "./match-types";
import { mergeInputs, mergeOutputs, plannedInputs, plannedOutput, slotsGone } from "./node-slots";
import { filledIn, safeNodeJson, sources, tails } from "./node-source";
import { activeSurface } from "./surface";
import type { NodeInfo, NodeJson } from "./types";
import type { AnyWidget } from "./widget-classes";

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
  static customTypes: ReadonlySet<string>;
  /** The inputs that the kernel knows; packs may have added more to the definition. */
  static kernelInputs?: ReadonlySet<string>;
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
    if (Class.plan.dynamic) watchDeciders(this);
    for (const { name, type, ...rest } of plannedInputs(Class.plan)) this.addInput(name as string, type as string, rest as never);
    for (const output of Class.plan.outputs) {
      const { name, type, links: _, ...rest } = plannedOutput(output);
      this.addOutput(name as string, type as string, rest as never);
    }
    delete (this as { expandToFitContent?: unknown }).expandToFitContent;
    if (!loading.on) {
      const size = this.computeSize();
      const [width, height] = ((this as AnyWidget).cnLeast ?? [0, 0]) as [number, number];
      this.setSize([Math.max(size[0], width, this.widgets?.length ? 210 : 140), Math.max(size[1], height)]);
    }
    this.properties["Node name for S&R"] = Class.comfyClass;
    created(this);
  }

  override configure(info: never): void {
    configureNode(this, info as NodeJson, this.constructor as typeof ComfyNode, (safe) => super.configure(safe as never));
  }

  /** Packs remove slots of a node that is in no graph yet; litegraph throws there. */
  override disconnectInput(slot: number | string, keepReroutes?: boolean): boolean {
    return this.graph ? super.disconnectInput(slot, keepReroutes) : false;
  }

  override disconnectOutput(slot: number | string, target?: LGraphNode): boolean {
    return this.graph ? super.disconnectOutput(slot, target) : false;
  }

  onGraphConfigured(): void {
    matchTypes(this);
  }

  override onConnectionsChange(): void {
    if (loading.on || !(this.constructor as typeof ComfyNode).plan.dynamic) return;
    // litegraph is in the middle of the change and walks over the inputs
    queueMicrotask(() => {
      if (!this.graph || loading.on) return;
      followLive(this);
      matchTypes(this);
    });
  }
}

/** What packs find on every node type and call before they add their own entries. */
export const noExtraMenuOptions = (): never[] => [];
ComfyNode.prototype.getExtraMenuOptions = noExtraMenuOptions;

function configureNode(node: LGraphNode, info: NodeJson, Class: DefinedClass, configure: (safe: NodeJson) => void): void {
  sources.set(node, loading.on ? info : structuredClone(info)); // while loading it is the loader's own copy
  const safe = safeNodeJson(info, node);
  const raw = safe.widgets_values;
  const { plan, read } = planSaved(Class, info.widgets_values, safe.inputs);
  const gone = slotsGone(node, planOf(node));
  takePlan(node, plan);
  if (plan.dynamic) watchDeciders(node);
  tails.set(node, read.tail);
  delete node.properties["Node name for S&R"]; // a default for new nodes, not for what a file leaves out
  const saved = new Set((safe.inputs ?? []).map((slot) => slot.name));
  safe.inputs = mergeInputs(safe.inputs ?? [], plan, gone.inputs);
  safe.outputs = mergeOutputs(safe.outputs ?? [], plan, gone.outputs);
  safe.widgets_values = liveValues(node, plan, read, raw)?.map((value) => (typeof value === "object" ? structuredClone(value) : value));
  if (loading.on && info.size === undefined) node.setSize(node.computeSize());
  const tellPack = withSavedValues(node, raw);
  try {
    configure(safe);
  } catch (error) {
    activeSurface()?.services.notify("warning", `Node ${String(info.id)} (${info.type}) was taken only in part: ${String(error)}`);
  } finally {
    tellPack();
  }
  for (const input of node.inputs ?? []) if (!saved.has(input.name)) filledIn.add(input);
}

/** Packs' `onConfigure` reads the values as the file has them, whatever form that is; returns how to end this. */
function withSavedValues(node: LGraphNode, raw: NodeJson["widgets_values"]): () => void {
  const hook = node.onConfigure;
  if (!hook) return () => undefined;
  const own = Object.hasOwn(node, "onConfigure");
  const end = (): void => {
    if (own) node.onConfigure = hook;
    else delete (node as { onConfigure?: unknown }).onConfigure;
  };
  node.onConfigure = (info) => {
    end();
    const saved = raw == null ? raw : structuredClone(raw);
    Object.assign(node, { widgets_values: saved });
    hook.call(node, Object.assign(info as object, { widgets_values: saved }) as never);
  };
  return end;
}

/** Packs take part in how this node is configured. */
export function hasPackHooks(node: LGraphNode): boolean {
  const { configure, onConfigure } = node as { configure: unknown; onConfigure?: unknown };
  return node instanceof ComfyNode ? configure !== ComfyNode.prototype.configure || onConfigure !== undefined : onConfigure !== undefined;
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

/** The class of a definition, new each time so that packs' hooks run on a clean prototype. */
export function makeNodeClass(type: string, info: NodeInfo): typeof ComfyNode {
  const Class = class extends ComfyNode {};
  Object.defineProperty(Class, "name", { value: type });
  Class.comfyClass = type;
  Class.nodeData = info;
  describeClass(Class, type, info);
  Object.defineProperty(Class.prototype, "comfyClass", { value: type, writable: true, configurable: true });
  return Class;
}

/** Plans the nodes of a class, whose definition hooks may have changed, and makes it known. */
export function registerNodeClass(Class: typeof ComfyNode, type: string, custom: ReadonlySet<string>): void {
  const info = Class.nodeData;
  Class.plan = planNode(info, custom);
  Class.customTypes = custom;
  LiteGraph.registerNodeType(type, Class as never);
  describeClass(Class, type, info);
}

/** Packs brought widgets for more types: what was a socket may be a widget of nodes that are made from now on. */
export function replanClass(Class: typeof ComfyNode, custom: ReadonlySet<string>): void {
  if (!Class.plan) return;
  Class.plan = planNode(Class.nodeData, custom);
  Class.customTypes = custom;
}

function describeClass(Class: typeof ComfyNode, type: string, info: NodeInfo): void {
  (Class as AnyWidget).category = info.category ?? "";
  (Class as AnyWidget).title = info.display_name || info.name || type;
}

export function registerUnknown(type: string): void {
  const Class = class extends UnknownNode {};
  LiteGraph.registerNodeType(type, Class as never);
  (Class as AnyWidget).title = type;
}

// GraphView: one canvas, one graph. Delegates to the parts; see api.ts for what each member promises.
import type { HostTheme } from "../host";
import type { GraphViewApi } from "./api";
import { customWidgets } from "./build-widgets";
import { Clipspace } from "./clipspace";
import { rebindEvents } from "./canvas-setup";
import { ViewCore } from "./core";
import { describeLevel, placeInGraph } from "./describe";
import { Editing } from "./editing";
import { Hover } from "./hover";
import { LiteGraph, type LGraphNode, litegraphModule, SubgraphNode } from "./litegraph";
import { holdPlan } from "./live-inputs";
import { Loader } from "./loader";
import { Menus } from "./menus";
import { type PackHooks, packHooks, setPackHooks } from "./pack-hooks";
import { ComfyNode, makeNodeClass, nodeCreatedHooks, registerNodeClass, replanClass, UnknownNode } from "./defined-node";
import { otherTypes, VIRTUAL_TYPES } from "./virtual-types";
import { ensureImageWidget, showOutputs } from "./preview";
import { growForNow } from "./preview-widgets";
import { browserValues, queueing } from "./queueing";
import type {
  AddNodeOptions, GraphEvents, GraphServices, LevelEntry, LoadReport, MenuEntry, NodeDescription, NodeError, NodeId, NodeInfo, Place, Point,
  ViewOptions, WorkflowJson,
} from "./types";
import { contentOf } from "./viewport";
import type { AnyWidget } from "./widget-classes";

type NodeClasses = Map<string, [Class: ReturnType<typeof makeNodeClass>, info: NodeInfo]>;

export class GraphView implements GraphViewApi {
  readonly #core: ViewCore;
  readonly #loader: Loader;
  readonly #editing: Editing;
  readonly #menus: Menus;
  readonly #hover: Hover;
  readonly #registerHooks = new Set<(nodeType: unknown, info: NodeInfo) => void>();

  constructor(container: HTMLElement, services: GraphServices) {
    this.#core = new ViewCore(container, services);
    this.#loader = new Loader(this.#core);
    this.#editing = new Editing(this.#core);
    this.#menus = new Menus(this.#core, this.#editing);
    this.#hover = new Hover(this.#core, this.#menus);
  }

  get raw(): GraphViewApi["raw"] {
    return { graph: this.#core.graph, canvas: this.#core.canvas, LiteGraph, module: litegraphModule };
  }

  // ------------------------------------------------------------------------------------------- definitions and document

  setDefinitions(info: Record<string, NodeInfo>): void {
    const gone = Object.keys(this.#core.definitions).filter((type) => !Object.hasOwn(info, type));
    this.updateDefinitions(info, gone);
  }

  updateDefinitions(set: Record<string, NodeInfo>, remove: string[]): void {
    const classes = this.#classesOf(set);
    for (const [Class, info] of classes.values()) {
      for (const hook of this.#registerHooks) hook(Class, info);
    }
    this.#takeDefinitions(classes, remove);
  }

  async updateDefinitionsSlowly(set: Record<string, NodeInfo>, remove: string[], hook: (nodeType: unknown, info: NodeInfo) => Promise<void> | void): Promise<void> {
    const classes = this.#classesOf(set);
    for (const [Class, info] of classes.values()) {
      Class.kernelInputs = new Set([...Object.keys(info.input?.required ?? {}), ...Object.keys(info.input?.optional ?? {})]);
      const done = hook(Class, info);
      if (done) await done;
    }
    this.#takeDefinitions(classes, remove);
  }

  #classesOf(set: Record<string, NodeInfo>): NodeClasses {
    const usable = Object.entries(set).filter(([type, info]) => !VIRTUAL_TYPES.has(type) && info && typeof info === "object");
    return new Map(usable.map(([type, info]) => [type, [makeNodeClass(type, info), info]]));
  }

  #takeDefinitions(classes: NodeClasses, remove: string[]): void {
    const { definitions } = this.#core;
    const changed = new Set<string>(remove.filter((type) => Object.hasOwn(definitions, type)));
    for (const type of changed) {
      delete definitions[type];
      this.#loader.definitionGone(type);
    }
    const custom = new Set(customWidgets.keys());
    for (const [type, [Class, info]] of classes) {
      try {
        registerNodeClass(Class, type, custom);
      } catch (error) {
        this.#core.services.notify("error", `The node type ${type} cannot be used: ${String(error)}`);
        continue;
      }
      if (JSON.stringify(definitions[type]) !== JSON.stringify(info)) changed.add(type);
      definitions[type] = info;
      this.#loader.definitionCame(type);
    }
    this.#loader.rebuild(changed);
  }

  load(document: WorkflowJson): LoadReport {
    this.#core.run.clear();
    return this.#loader.load(document);
  }

  applyDocument(document: WorkflowJson): LoadReport {
    return this.#loader.apply(document);
  }

  serialize(): WorkflowJson {
    return this.#loader.serialize();
  }

  describe(): NodeDescription[] { return describeLevel(this.#core); }

  on<K extends keyof GraphEvents>(name: K, listener: (event: GraphEvents[K]) => void): () => void {
    return this.#core.events.on(name, listener);
  }

  // ------------------------------------------------------------------------------------------------------ looks and life

  setTheme(theme: HostTheme): void { this.#core.setPalette(theme.dark, theme.variables); }
  setOptions(options: ViewOptions): void { this.#core.applyOptions(options); }
  setReadOnly(on: boolean): void { this.#core.locked = on; this.#core.canvas.read_only = on; this.#core.redraw(); }
  pause(on: boolean): void { this.#core.frames.pause(on); }
  setDirty(): void { this.#core.redraw(); }
  tellChanges(): void { this.#core.events.flush(); }
  resize(): void { this.#core.frames.resize(); }
  focus(): void { this.#core.focus(); }

  destroy(): void {
    this.#hover.hide();
    this.#core.destroy();
  }

  // --------------------------------------------------------------------------------------------------------------- view

  fit(ids?: NodeId[]): void { this.#core.fit(ids && this.#editing.nodes(ids)); }
  getScale(): number { return this.#core.scale(); }

  center(id: NodeId): void {
    const node = this.#core.node(id);
    if (node) this.panTo([node.pos[0] + node.size[0] / 2, node.pos[1] + node.size[1] / 2]);
  }

  setScale(scale: number, about?: Point): void {
    const box = this.#core.root.getBoundingClientRect();
    this.#core.canvas.ds.changeScale(scale, about ?? [box.left + box.width / 2, box.top + box.height / 2]);
    this.#core.redraw();
  }

  panTo([x, y]: Point): void {
    const { root, canvas } = this.#core;
    canvas.ds.offset = [root.clientWidth / 2 / canvas.ds.scale - x, root.clientHeight / 2 / canvas.ds.scale - y];
    this.#core.redraw();
  }

  bounds(): ReturnType<GraphViewApi["bounds"]> {
    const { root, canvas } = this.#core;
    const { ds } = canvas;
    const visible: [number, number, number, number] = [-ds.offset[0], -ds.offset[1], root.clientWidth / ds.scale, root.clientHeight / ds.scale];
    return { content: contentOf(this.#core.shownGraph()) ?? [...visible], visible };
  }

  boxes(): ReturnType<GraphViewApi["boxes"]> {
    const { palette } = this.#core;
    return this.#core.shownGraph()._nodes.map((node) => ({
      id: node.id, x: node.pos[0], y: node.pos[1] - 30, w: node.size[0], h: (node.flags.collapsed ? 0 : node.size[1]) + 30,
      color: node.mode === 4 ? palette.bypass : node instanceof UnknownNode ? palette.error : (node.bgcolor ?? palette.nodeTitle),
    }));
  }

  clientPos(place: Place): { x: number; y: number } {
    const [x, y] = placeInGraph(this.#core, place);
    const box = this.#core.root.getBoundingClientRect();
    const at = this.#core.toOverlay(x, y);
    return { x: box.left + at.x, y: box.top + at.y };
  }

  toGraph([x, y]: Point): Point {
    const box = this.#core.root.getBoundingClientRect();
    const { ds } = this.#core.canvas;
    return [(x - box.left) / ds.scale - ds.offset[0], (y - box.top) / ds.scale - ds.offset[1]];
  }

  // -------------------------------------------------------------------------------------------------- selection, editing

  selection(): NodeId[] { return this.#core.selectedIds(); }
  select(ids: NodeId[]): void { this.#core.canvas.deselectAll(); this.#core.canvas.selectNodes(this.#editing.nodes(ids)); this.#core.redraw(); }
  selectAll(): void { this.#core.canvas.selectItems(); this.#core.redraw(); }
  addNode(type: string, pos: Point, options?: AddNodeOptions): NodeId | null { return this.#editing.addNode(type, pos, options); }
  connect(from: { node: NodeId; output: number | string }, to: { node: NodeId; input: number | string }): boolean { return this.#editing.connect(from, to); }
  disconnectInput(node: NodeId, input: number | string): void { this.#editing.disconnectInput(node, input); }
  removeSelected(): void { this.#editing.removeSelected(); }
  copy(): boolean { return this.#editing.copy(); }
  paste(options?: { pos?: Point; withLinks?: boolean; text?: string }): void { this.#editing.paste(options); }
  clipboardText(): string | null { return this.#editing.clipboardText(); }
  /** An image file for the selected node that loads one; false where none is selected. */
  pasteFile(file: File): Promise<boolean> { return this.#hover.pasteFile(file); }
  groupSelected(title?: string, pos?: Point): void { this.#editing.groupSelected(title, pos); }
  setMode(mode: number, ids?: NodeId[]): void { this.#editing.setMode(mode, ids); }
  toggleMute(ids?: NodeId[]): void { this.#editing.toggleMode(2, ids); }
  toggleBypass(ids?: NodeId[]): void { this.#editing.toggleMode(4, ids); }
  collapse(ids?: NodeId[]): void { this.#editing.collapse(ids); }
  pin(ids?: NodeId[]): void { this.#editing.pin(ids); }
  setTitle(id: NodeId, title: string): void { this.#editing.setTitle(id, title); }
  setColor(name: string | null, ids?: NodeId[]): void { this.#editing.setColor(name, ids); }
  align(how: Parameters<GraphViewApi["align"]>[0], ids?: NodeId[]): void { this.#editing.align(how, ids); }
  arrange(): void { this.#editing.arrange(); }
  setWidget(id: NodeId, name: string, value: unknown): boolean { return this.#editing.setWidget(id, name, value); }

  getWidget(id: NodeId, name: string): unknown {
    return this.#core.node(id)?.widgets?.find((widget) => widget.name === name)?.value;
  }

  editTitle(id: NodeId): void {
    const node = this.#core.node(id);
    if (node) this.#menus.editTitle(node);
  }

  copyToClipspace(id: NodeId): boolean { return this.#clipspace(id, "copyToClipspace"); }
  pasteFromClipspace(id: NodeId): boolean { return this.#clipspace(id, "pasteFromClipspace"); }

  #clipspace(id: NodeId, work: "copyToClipspace" | "pasteFromClipspace"): boolean {
    const node = this.#core.node(id);
    if (node) Clipspace[work](node);
    return node !== undefined && node !== null;
  }

  menuAt(client: Point): (MenuEntry | null)[] {
    const pos = this.toGraph(client);
    const node = this.#core.shownGraph().getNodeOnPos(pos[0], pos[1], this.#core.canvas.visible_nodes);
    return this.#menus.at(node ?? null, pos).items;
  }

  showMenu(client: Point, items: (MenuEntry | null)[], title?: string): void { this.#menus.show(client, items, title); }

  // ---------------------------------------------------------------------------------------------------------- subgraphs

  level(): LevelEntry[] { return this.#core.level(); }
  leave(depth?: number): void { this.#core.leave(depth); }
  toSubgraph(): void { this.#editing.toSubgraph(); }
  unpackSubgraph(id: NodeId): void { this.#editing.unpack(id); }

  enter(id: NodeId): void {
    const node = this.#core.node(id);
    if (node instanceof SubgraphNode) this.#core.enter(node);
  }

  // ------------------------------------------------------------------------------------------------------------ runtime

  setRunning(id: string | null): void { this.#core.run.setRunning(id); this.#core.redraw(); }
  setProgress(id: string, value: number, max: number): void { this.#core.run.of(id).progress = { value, max }; this.#core.redraw(); }
  setQueued(ids: string[]): void { this.#core.run.setFlags("queued", ids); this.#core.redraw(); }
  setStale(ids: string[]): void { this.#core.run.setFlags("stale", ids); this.#core.redraw(); }
  clearErrors(): void { this.#core.run.clearErrors(); this.#core.redraw(); }

  setError(id: string, error: NodeError): void {
    const state = this.#core.run.of(id);
    state.error = { message: error.message, inputs: error.inputs ?? [] };
    state.running = false;
    this.#core.redraw();
  }

  setOutputs(id: string, ui: Record<string, unknown> | null): void {
    this.#core.run.of(id).ui = ui ?? undefined;
    this.setPreview(id, null);
    packHooks()?.outputs(id, ui);
    const node = this.#core.nodeByExecutionId(id);
    if (!node) return;
    showOutputs(node, ui);
    if (ui && (node as AnyWidget).onExecuted) this.#tellExecuted(node, ui);
    this.#core.redraw();
  }

  /** A pack shows the result itself; what it adds to the node is no edit of a person, but it is part of the document. */
  #tellExecuted(node: LGraphNode, ui: Record<string, unknown>): void {
    try {
      (node as AnyWidget).onExecuted(ui);
    } catch (error) {
      const hooks = packHooks();
      if (hooks) hooks.failed("onExecuted", node, error);
      else this.#core.services.notify("warning", `An extension failed on the result of node ${node.id}: ${String(error)}`);
    }
    packHooks()?.mayHaveChanged();
  }

  setPreview(id: string, image: Blob | null): void {
    const state = this.#core.run.of(id);
    const old = state.preview;
    state.preview = undefined;
    if (image) {
      const url = URL.createObjectURL(image);
      const element = new Image();
      // the old picture stays until the new one is there: no flicker, and the last one after the run
      state.preview = old ? { url, image: old.image } : { url, image: element };
      element.onload = () => {
        URL.revokeObjectURL(url); // not before: previews may come faster than they are read
        if (state.preview?.url === url) state.preview.image = element;
        this.#core.redraw();
      };
      element.onerror = () => URL.revokeObjectURL(url);
      element.src = url;
      const node = this.#core.nodeByExecutionId(id);
      if (node) growForNow(node, () => ensureImageWidget(node));
    }
    this.#core.redraw();
  }

  // ----------------------------------------------------------------------------------------------------------- queueing

  beforeQueue(): void { queueing(this.#core, "before"); }
  afterQueue(): void { queueing(this.#core, "after"); }
  browserValues(): Promise<Record<string, Record<string, unknown>>> { return browserValues(this.#core.graph); }

  // --------------------------------------------------------------------------------------------------------------- packs

  onRegister(hook: (nodeType: unknown, info: NodeInfo) => void): () => void {
    this.#registerHooks.add(hook);
    return () => this.#registerHooks.delete(hook);
  }

  onNodeCreated(hook: (node: unknown) => void): () => void {
    nodeCreatedHooks.add(hook);
    return () => nodeCreatedHooks.delete(hook);
  }

  setPackHooks(hooks: PackHooks | null): void { setPackHooks(hooks); }
  otherTypes(): Record<string, NodeInfo> { return otherTypes(); }
  adoptTypes(): void { this.#loader.adoptTypes(); }
  remake(): void { this.#loader.remake(); }
  knownType(type: string): boolean { return Object.hasOwn(LiteGraph.registered_node_types, type) && !this.#loader.unknown.has(type); }
  nodeById(id: NodeId): unknown { return this.#core.node(id); }
  nodeByExecutionId(id: string): unknown { return this.#core.nodeByExecutionId(id); }
  *nodeClasses(): Generator<[nodeType: unknown, info: NodeInfo]> {
    for (const Class of Object.values(LiteGraph.registered_node_types) as unknown as ReturnType<typeof makeNodeClass>[]) if (Class.nodeData) yield [Class, Class.nodeData];
  }
  *allNodes(): Generator<unknown> { yield* this.#core.allNodes(); }
  rebindEvents(): void { rebindEvents(this.#core); }

  addWidgetTypes(types: Record<string, (node: unknown, name: string, spec: unknown[]) => unknown>): void {
    const fresh = Object.keys(types).some((type) => !customWidgets.has(type));
    for (const [type, make] of Object.entries(types)) customWidgets.set(type, make);
    if (!fresh) return;
    for (const node of this.#core.allNodes()) if (node instanceof ComfyNode) holdPlan(node);
    const custom = new Set(customWidgets.keys());
    for (const [Class] of this.nodeClasses()) replanClass(Class as never, custom);
  }
}

// The working parts of a view put together: canvas and graph, frames, events, levels, run state. GraphView is its face.
import { clearTextCache } from "../widgets/text";
import { applyOptions, applyPalette, DEFAULT_OPTIONS } from "./appearance";
import { hookCanvas, hookGraph, makeCanvas, releaseCanvas } from "./canvas-setup";
import { DomLayer, setUpDomWidgets } from "./dom-widget";
import { installSharedDrawing } from "./draw-group";
import { installDrawing } from "./draw-node";
import { EventHub } from "./events";
import { FrameLoop } from "./frames";
import { LGraph, type LGraphCanvas, type LGraphNode, setUpLitegraph, type Subgraph, SubgraphNode } from "./litegraph";
import { keepSlots } from "./node-slots";
import { type NodeRuntime, RunState } from "./runtime";
import { STYLE } from "./styles";
import { packHooks } from "./pack-hooks";
import { setSurface, type Surface } from "./surface";
import { DARK, LIGHT, type Palette } from "./theme";
import type { ChangeKind, FileRef, GraphEvents, GraphServices, LevelEntry, NodeId, NodeInfo, ViewOptions } from "./types";
import { registerVirtualNodes } from "./virtual-types";
import { applyLook, around, contentOf, fitLook, type Look, nodeBox, openingLook, sameLook, showsAll, type Size, StoredLooks } from "./viewport";
import { setUpWidgetClasses } from "./widget-classes";

export class ViewCore implements Surface {
  readonly root = document.createElement("div");
  readonly element = document.createElement("canvas");
  readonly overlay = document.createElement("div");
  readonly graph = new LGraph();
  readonly canvas: LGraphCanvas;
  readonly dom: DomLayer;
  readonly frames: FrameLoop;
  readonly run = new RunState();
  readonly events: EventHub;
  readonly options: Required<ViewOptions> = { ...DEFAULT_OPTIONS };
  readonly storedLooks: StoredLooks;
  definitions: Record<string, NodeInfo> = {};
  palette: Palette = DARK;
  /** Instance nodes entered on the way to the level shown. */
  path: SubgraphNode[] = [];
  /** Where the pointer went down last, in client pixels. */
  lastClient: [number, number] = [0, 0];
  /** Read-only for good, not only while the space bar pans. */
  locked = false;
  /** Nodes came whose parts have no places yet. */
  unarranged = true;
  /** The look that was chosen for the person; while it stays, a resized window gets a new one. */
  #chosen: Look | null = null;
  /** Nodes may grow in their first frame. */
  #settling = false;
  readonly #views = new Map<string, Look>();
  readonly #cleanups: (() => void)[] = [];

  constructor(container: HTMLElement, readonly services: GraphServices) {
    setUpLitegraph();
    setUpWidgetClasses();
    setUpDomWidgets();
    installSharedDrawing();
    registerVirtualNodes();
    this.storedLooks = new StoredLooks(services.storage);
    this.#buildDom(container);
    this.canvas = makeCanvas(this);
    const { pointer } = this.canvas;
    this.events = new EventHub((severity, text) => services.notify(severity, text), () => pointer.isDown && pointer.dragStarted);
    this.dom = new DomLayer(this.root.querySelector(".cn-dom") as HTMLElement, this.canvas);
    setSurface(this.canvas, this);
    this.frames = new FrameLoop(this.root, this.canvas, {
      before: () => this.#arrangeNew(),
      after: () => this.#drawn(),
      failed: (error) => services.notify("error", `The graph could not be drawn: ${String(error)}`),
      resized: () => this.#refit(),
    });
    installDrawing(this.canvas, this, this.options, this.frames.state);
    this.#cleanups.push(hookGraph(this, this.graph));
    hookCanvas(this);
    this.listen(window, "pointerdown", ((event: PointerEvent) => { this.lastClient = [event.clientX, event.clientY]; }) as EventListener, true);
    this.setPalette(true, {});
  }

  #buildDom(container: HTMLElement): void {
    this.root.className = "cn-graph";
    const style = document.createElement("style");
    style.textContent = STYLE;
    const dom = document.createElement("div");
    dom.className = "cn-dom";
    this.overlay.className = "cn-overlay";
    this.element.tabIndex = 0;
    this.element.setAttribute("aria-label", "Workflow canvas");
    this.root.append(style, this.element, dom, this.overlay);
    container.append(this.root);
  }

  /** Links are drawn before nodes: without this their first frame would not know where the widgets' inputs are. */
  #arrangeNew(): void {
    if (packHooks()) for (const node of this.shownGraph()._nodes) keepSlots(node);
    if (!this.unarranged) return;
    this.unarranged = false;
    for (const node of this.shownGraph()._nodes) {
      if (node.flags.collapsed || !node.widgets?.length) continue;
      node._setConcreteSlots();
      node.arrange();
    }
  }

  listen(target: EventTarget, type: string, listener: EventListener, options?: boolean | AddEventListenerOptions): void {
    target.addEventListener(type, listener, options);
    this.#cleanups.push(() => target.removeEventListener(type, listener, options));
  }

  destroy(): void {
    this.frames.stop();
    this.dom.clear();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    releaseCanvas(this.canvas, this.element);
    this.run.clear();
    setSurface(this.canvas, null);
    this.events.clear();
    this.root.remove();
  }

  // ------------------------------------------------------------------------------------------------------------ events

  emit<K extends keyof GraphEvents>(name: K, event: GraphEvents[K]): void {
    this.events.emit(name, event);
  }

  quietly<T>(work: () => T): T {
    try {
      return this.events.quietly(work);
    } finally {
      this.unarranged = true;
    }
  }

  changed(kind: ChangeKind): void {
    this.events.changed(kind);
  }

  editing(on: boolean): void {
    this.emit("editing", { on });
  }

  openImages(images: FileRef[], index: number): void {
    if (this.services.openImage) this.services.openImage(images, index);
    else this.emit("image-open", { images, index });
  }

  // ------------------------------------------------------------------------------------------------------ levels and ids

  shownGraph(): LGraph | Subgraph {
    return (this.canvas.graph ?? this.graph) as LGraph;
  }

  prefix(): string {
    return this.path.map((node) => `${node.id}:`).join("");
  }

  runtimeOf(node: LGraphNode): NodeRuntime | undefined {
    return this.run.nodes.size ? this.run.seen(this.prefix() + node.id) : undefined;
  }

  /** The node with an execution id, at whatever level it is. */
  nodeByExecutionId(id: string): LGraphNode | null {
    let graph: LGraph | Subgraph = this.graph;
    const parts = String(id).split(":");
    for (const [i, part] of parts.entries()) {
      const node: LGraphNode | null = nodeById(graph, part);
      if (!node || i === parts.length - 1) return node;
      if (!(node instanceof SubgraphNode)) return null;
      graph = node.subgraph;
    }
    return null;
  }

  node(id: NodeId): LGraphNode | null {
    return nodeById(this.shownGraph(), id);
  }

  *allNodes(): Generator<LGraphNode> {
    yield* this.graph._nodes;
    for (const subgraph of this.graph._subgraphs.values()) yield* subgraph._nodes;
  }

  level(): LevelEntry[] {
    return [{ id: null, name: "Workflow" }, ...this.path.map((node) => ({ id: node.subgraph.id, name: node.title || node.subgraph.name, node: node.id }))];
  }

  enter(node: SubgraphNode): void {
    if (this.path.some((entered) => entered.subgraph === node.subgraph)) return; // a definition inside itself
    this.#show([...this.path, node]);
  }

  leave(depth?: number): void {
    const to = Math.max(0, depth === undefined ? this.path.length - 1 : depth);
    if (to < this.path.length) this.#show(this.path.slice(0, to));
  }

  /** Goes to a path of instance ids as far as it exists. */
  enterPath(ids: NodeId[]): void {
    let graph: LGraph | Subgraph = this.graph;
    const path: SubgraphNode[] = [];
    for (const id of ids) {
      const node = nodeById(graph, id);
      if (!(node instanceof SubgraphNode)) break;
      path.push(node);
      graph = node.subgraph;
    }
    this.#show(path);
  }

  #show(path: SubgraphNode[]): void {
    const { ds } = this.canvas;
    this.#views.set(this.prefix(), { scale: ds.scale, offset: [...ds.offset] });
    this.path = path;
    this.unarranged = true;
    const last = path.at(-1);
    this.canvas.setGraph((last?.subgraph ?? this.graph) as LGraph);
    this.canvas.subgraph = last?.subgraph;
    this.open(this.#views.get(this.prefix()) ?? null, true);
    this.emit("level", { path: this.level() });
    this.emit("selection", { ids: [], groups: 0 });
  }

  forgetViews(): void {
    this.#views.clear();
  }

  selectedIds(): NodeId[] {
    return Object.values(this.canvas.selected_nodes).map((node) => node.id);
  }

  selectedGroups(): number {
    const groups = new Set<unknown>(this.shownGraph()._groups);
    let count = 0;
    for (const item of this.canvas.selectedItems) if (groups.has(item)) count += 1;
    return count;
  }

  // ----------------------------------------------------------------------------------------------------- where it looks

  look(): Look {
    const { scale, offset } = this.canvas.ds;
    return { scale, offset: [offset[0], offset[1]] };
  }

  setLook(look: Look): void {
    applyLook(this.canvas, look);
    this.redraw();
  }

  size(): Size {
    return { width: this.root.clientWidth || 800, height: this.root.clientHeight || 600 };
  }

  /** First look at a level: `saved` where it still shows what it showed, else as much as can be recognised. */
  open(saved: Look | null, trusted = false): void {
    const content = contentOf(this.shownGraph());
    const size = this.size();
    const keep = saved && (trusted || this.storedLooks.has(saved, size) || showsAll(saved, content, size));
    this.setLook(keep ? saved : openingLook(content, size));
    this.#chosen = keep ? null : this.look();
    this.#settling = !keep;
  }

  fit(nodes?: LGraphNode[]): void {
    const content = nodes?.length ? around(nodes.map(nodeBox)) : contentOf(this.shownGraph());
    this.setLook(content ? fitLook(content, this.size(), nodes?.length ? 1.2 : 1) : openingLook(null, this.size()));
  }

  #drawn(): void {
    this.dom.update();
    if (!this.#settling) return;
    this.#settling = false;
    this.#refit();
    this.#settling = false;
  }

  #refit(): void {
    if (!this.#chosen) return;
    if (sameLook(this.#chosen, this.look())) this.open(null);
    else this.#chosen = null;
  }

  toOverlay(x: number, y: number): { x: number; y: number } {
    const { ds } = this.canvas;
    return { x: (x + ds.offset[0]) * ds.scale, y: (y + ds.offset[1]) * ds.scale };
  }

  scale(): number {
    return this.canvas.ds.scale;
  }

  // -------------------------------------------------------------------------------------------------------------- looks

  get readOnly(): boolean {
    return this.canvas.read_only;
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  redraw(): void {
    this.canvas.setDirty(true, true);
  }

  infoOf(type: string): NodeInfo | undefined {
    return this.definitions[type];
  }

  setPalette(dark: boolean, variables: Record<string, string>): void {
    const font = variables["--cn-font"] ?? variables["--jp-ui-font-family"] ?? variables["--vscode-font-family"];
    this.palette = { ...(dark ? DARK : LIGHT), ...(font ? { font } : {}) };
    applyPalette(this.root, this.canvas, this.palette);
    clearTextCache();
    this.redraw();
  }

  applyOptions(options: ViewOptions): void {
    Object.assign(this.options, options);
    applyOptions(this.canvas, this.options);
    this.redraw();
  }
}

function nodeById(graph: LGraph | Subgraph, id: NodeId): LGraphNode | null {
  return (graph._nodes_by_id[id] as LGraphNode | undefined) ?? null;
}

// The working parts of a view: litegraph's canvas and graph, drawing on demand, events, levels, run state. GraphView is its face.
import { clearTextCache } from "../widgets/text";
import { DomLayer, setUpDomWidgets } from "./dom-widget";
import { installDrawing, installSharedDrawing } from "./draw-node";
import { LGraph, LGraphCanvas, type LGraphNode, LiteGraph, setUpLitegraph, type Subgraph, SubgraphNode } from "./litegraph";
import { loading } from "./loading";
import { nodeCreatedHooks, registerSubgraph, registerVirtualNodes } from "./nodes";
import { type NodeRuntime, RunState } from "./runtime";
import { paletteVariables, STYLE } from "./styles";
import { setSurface, type Surface } from "./surface";
import { DARK, LIGHT, type Palette, typeColor, typeColors } from "./theme";
import type { ChangeKind, FileRef, GraphEvents, GraphServices, LevelEntry, NodeId, NodeInfo, ViewOptions } from "./types";
import { type AnyWidget, setUpWidgetClasses } from "./widget-classes";

type Listener = (event: never) => void;

export class ViewCore implements Surface {
  readonly root = document.createElement("div");
  readonly element = document.createElement("canvas");
  readonly overlay = document.createElement("div");
  readonly graph = new LGraph();
  readonly canvas: LGraphCanvas;
  readonly dom: DomLayer;
  readonly run = new RunState();
  readonly options: Required<ViewOptions> = {
    linkMode: "spline", snapToGrid: false, gridSize: 10, wheel: "zoom", controlMode: "after", showIds: false, linkMarkers: true,
  };
  definitions: Record<string, NodeInfo> = {};
  palette: Palette = DARK;
  /** Instance nodes entered on the way to the level shown. */
  path: SubgraphNode[] = [];
  /** Read-only for good, not only while the space bar pans. */
  locked = false;
  /** Nodes came whose parts have no places yet. */
  unarranged = true;
  #listeners = new Map<string, Set<Listener>>();
  #suspended = 0;
  #pending: ChangeKind | null = null;
  #frame = 0;
  #drawing = false;
  #paused = false;
  #hidden = false;
  #views = new Map<string, { scale: number; offset: [number, number] }>();
  #cleanups: (() => void)[] = [];
  #drawOptions = { showIds: false };

  constructor(container: HTMLElement, readonly services: GraphServices) {
    setUpLitegraph();
    setUpWidgetClasses();
    setUpDomWidgets();
    installSharedDrawing();
    registerVirtualNodes();
    this.#buildDom(container);
    this.canvas = this.#buildCanvas();
    this.dom = new DomLayer(this.root.querySelector(".cn-dom") as HTMLElement, this.canvas);
    setSurface(this.canvas, this);
    installDrawing(this.canvas, this, this.#drawOptions);
    this.#drawOnDemand();
    this.#hookGraph(this.graph);
    this.#hookCanvas();
    this.#watchSize();
    this.applyPalette(DARK, {});
  }

  // ------------------------------------------------------------------------------------------------------ construction

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

  #buildCanvas(): LGraphCanvas {
    // the graph must be there from the start: without it the first frame throws and drawing is dead
    const canvas = new LGraphCanvas(this.element, this.graph, { skip_render: true });
    // litegraph listens on the whole document and never lets go; the canvas alone is enough for us
    const key = canvas._key_callback as EventListener;
    document.removeEventListener("keyup", key, true);
    this.element.removeEventListener("keydown", key, true);
    const onKey = (event: KeyboardEvent): void => {
      if (this.locked) return; // letting go of the space bar would make the view editable again
      // only what needs litegraph's private state: the space bar pans; copy, paste and deletion are the editor's
      if (event.key === " " || event.key === "Shift" || event.key === "Escape" || event.type === "keyup") canvas.processKey(event);
    };
    this.listen(this.element, "keydown", onKey as EventListener, true);
    this.listen(this.element, "keyup", onKey as EventListener, true);
    const activate = (): void => {
      LGraphCanvas.active_canvas = canvas;
      setSurface(canvas, this);
    };
    this.listen(this.root, "pointerdown", activate, true);
    this.listen(this.root, "focusin", activate, true);
    LGraphCanvas.active_canvas = canvas;
    canvas.prompt = ((_title: string, value: unknown, callback: (text: string) => void) => {
      // packs ask through litegraph's prompt: a plain field at the pointer
      void import("../widgets/inline-edit").then(({ openInlineEdit }) => {
        const { x, y } = this.toOverlay(canvas.graph_mouse[0], canvas.graph_mouse[1]);
        openInlineEdit(this.overlay, { left: x, top: y, width: 180, height: 28, fontSize: 13, value: String(value ?? ""), onCommit: callback });
      });
      return document.createElement("div");
    }) as never;
    return canvas;
  }

  /** Frames happen only when something is dirty and somebody can see them. */
  #drawOnDemand(): void {
    for (const name of ["dirty_canvas", "dirty_bgcanvas"] as const) {
      let dirty = true;
      Object.defineProperty(this.canvas, name, {
        configurable: true,
        get: () => dirty,
        set: (on: boolean) => {
          dirty = on;
          if (on && !this.#drawing) this.#schedule();
        },
      });
    }
    this.canvas.startRendering = () => undefined;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame || this.#paused || this.#hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#paused || this.#hidden || !this.element.isConnected) return;
      this.drawNow();
      if (this.canvas.dirty_canvas || this.canvas.dirty_bgcanvas) this.#schedule();
    });
  }

  drawNow(): void {
    if (!this.canvas.dirty_canvas && !this.canvas.dirty_bgcanvas) return;
    this.#drawing = true;
    try {
      if (this.unarranged) this.#arrangeAll();
      this.canvas.draw();
      this.dom.update();
    } catch (error) {
      this.services.notify("error", `The graph could not be drawn: ${String(error)}`);
      this.canvas.dirty_canvas = this.canvas.dirty_bgcanvas = false;
    } finally {
      this.#drawing = false;
    }
  }

  /** Links are drawn before nodes: without this their first frame would not know where the widgets' inputs are. */
  #arrangeAll(): void {
    this.unarranged = false;
    for (const node of this.shownGraph()._nodes) {
      if (node.flags.collapsed || !node.widgets?.length) continue;
      node._setConcreteSlots();
      node.arrange();
    }
  }

  #hookGraph(graph: LGraph): void {
    graph.events.addEventListener("subgraph-created", (event: AnyWidget) => {
      const subgraph = event.detail.subgraph as Subgraph;
      registerSubgraph(this.graph, subgraph);
      // the brackets of a subgraph's inputs and outputs are white in litegraph, whatever the ground
      const base = Object.getPrototypeOf(Object.getPrototypeOf(subgraph.inputNode) as object) as object;
      Object.defineProperty(base, "sideStrokeStyle", { configurable: true, get: () => this.palette.textDim });
      this.#hookLevel(subgraph as never);
      this.changed("subgraph");
    });
    this.#hookLevel(graph);
    // edits of values by packs reach this hook only
    const created = (node: LGraphNode): void => {
      const before = node.onWidgetChanged;
      node.onWidgetChanged = function (...args) {
        before?.apply(this, args);
        core.changed("widget");
      };
    };
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const core = this;
    nodeCreatedHooks.add(created);
    this.#cleanups.push(() => nodeCreatedHooks.delete(created));
  }

  #hookLevel(graph: LGraph): void {
    const chain = <K extends "onNodeAdded" | "onNodeRemoved" | "onAfterChange" | "onConnectionChange">(name: K, kind: ChangeKind): void => {
      const before = graph[name] as ((...args: unknown[]) => void) | undefined;
      (graph as AnyWidget)[name] = (...args: unknown[]) => {
        before?.apply(graph, args);
        this.changed(kind);
      };
    };
    chain("onNodeAdded", "add");
    chain("onNodeRemoved", "remove");
    chain("onConnectionChange", "connect");
    chain("onAfterChange", "other");
  }

  #hookCanvas(): void {
    const { canvas } = this;
    canvas.onSelectionChange = () => this.emit("selection", { ids: this.selectedIds(), groups: this.selectedGroups() });
    canvas.onNodeMoved = () => this.changed("move");
    canvas.ds.onChanged = (scale, offset) => this.emit("view", { scale, offset: [offset[0] as number, offset[1] as number] });
    canvas.linkConnector.events.addEventListener("link-created", () => this.changed("connect"));
    canvas.linkConnector.events.addEventListener("after-drop-links" as never, (() => this.changed("connect")) as never);
    canvas.linkConnector.events.addEventListener("dropped-on-canvas", (event: AnyWidget) => {
      const link = canvas.linkConnector.renderLinks[0] as AnyWidget;
      const up = event.detail;
      if (!link?.node || this.readOnly || link.node.id === undefined || link.fromSlotIndex === undefined) return;
      if (!["output", "input"].includes(link.toType)) return;
      this.emit("empty-release", {
        pos: [up.canvasX, up.canvasY], client: [up.clientX, up.clientY], shift: !!up.shiftKey,
        from: { node: link.node.id, slot: link.fromSlotIndex, input: link.toType === "output", type: String(link.fromSlot?.type ?? "*") },
      });
    });
    canvas.openSubgraph = (subgraph) => {
      const nodes = this.shownGraph()._nodes.filter((node): node is SubgraphNode => node instanceof SubgraphNode && node.subgraph === subgraph);
      const node = nodes.find((candidate) => candidate.selected) ?? nodes[0];
      if (node) this.enter(node);
    };
    this.listen(this.element, "litegraph:canvas", ((event: CustomEvent) => {
      const { subType, originalEvent } = event.detail as AnyWidget;
      if (subType === "empty-double-click" && !this.readOnly) {
        this.emit("empty-double-click", { pos: [originalEvent.canvasX, originalEvent.canvasY], client: [originalEvent.clientX, originalEvent.clientY] });
      } else if (subType === "before-change" || subType === "after-change") this.changed("other");
    }) as EventListener);
    // litegraph keeps the event to itself while bubbling; edits of the drag were held back until now
    this.listen(window, "pointerup", () => {
      if (canvas.resizingGroup) this.changed("group");
      this.flushSoon();
    }, true);
  }

  #watchSize(): void {
    const resize = new ResizeObserver(() => this.resize());
    resize.observe(this.root);
    const seen = new IntersectionObserver((entries) => {
      this.#hidden = !entries.at(-1)?.isIntersecting;
      if (!this.#hidden) this.redraw();
    });
    seen.observe(this.root);
    let media: MediaQueryList | null = null;
    const watchRatio = (): void => {
      media?.removeEventListener("change", watchRatio);
      media = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
      media.addEventListener("change", watchRatio);
      this.resize();
    };
    watchRatio();
    this.#cleanups.push(() => resize.disconnect(), () => seen.disconnect(), () => media?.removeEventListener("change", watchRatio));
  }

  listen(target: EventTarget, type: string, listener: EventListener, options?: boolean | AddEventListenerOptions): void {
    target.addEventListener(type, listener, options);
    this.#cleanups.push(() => target.removeEventListener(type, listener, options));
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.root;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(clientWidth * ratio);
    const height = Math.round(clientHeight * ratio);
    if (!width || !height) return;
    if (this.element.width !== width || this.element.height !== height) {
      this.element.width = width;
      this.element.height = height;
      this.canvas.bgcanvas.width = width;
      this.canvas.bgcanvas.height = height;
    }
    this.canvas.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.redraw();
    this.drawNow();
  }

  pause(on: boolean): void {
    this.#paused = on;
    this.canvas.pause_rendering = on;
    if (!on) this.redraw();
  }

  destroy(): void {
    this.pause(true);
    cancelAnimationFrame(this.#frame);
    this.canvas.stopRendering();
    this.dom.clear();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    // unbindEvents forgets the capture flag of what it added
    for (const [type, callback] of [["pointerdown", "_mousedown_callback"], ["pointerup", "_mouseup_callback"], ["pointercancel", "_mousecancel_callback"]] as const) {
      this.element.removeEventListener(type, (this.canvas as AnyWidget)[callback], true);
    }
    // A frame that was detached first has no window any more; its listeners went with it.
    if (this.element.ownerDocument.defaultView) this.canvas.unbindEvents();
    this.run.clear();
    setSurface(this.canvas, null);
    this.#listeners.clear();
    this.root.remove();
  }

  // ------------------------------------------------------------------------------------------------------------ events

  on<K extends keyof GraphEvents>(name: K, listener: (event: GraphEvents[K]) => void): () => void {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    set.add(listener as Listener);
    return () => set.delete(listener as Listener);
  }

  emit<K extends keyof GraphEvents>(name: K, event: GraphEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (event: GraphEvents[K]) => void)(event);
      } catch (error) {
        this.services.notify("error", String(error));
      }
    }
  }

  /** Runs `work` without change events: loading is no edit. */
  quietly<T>(work: () => T): T {
    this.#suspended += 1;
    loading.on = true;
    try {
      return work();
    } finally {
      this.unarranged = true;
      this.#suspended -= 1;
      loading.on = this.#suspended > 0;
    }
  }

  changed(kind: ChangeKind): void {
    if (this.#suspended) return;
    const first = this.#pending === null;
    if (first || this.#pending === "other") this.#pending = kind;
    if (first) this.flushSoon();
  }

  flushSoon(): void {
    requestAnimationFrame(() => {
      if (this.#pending === null) return;
      // one event for a whole drag
      if (this.canvas.pointer.isDown && this.canvas.pointer.dragStarted) return;
      const kind = this.#pending;
      this.#pending = null;
      this.emit("change", { kind });
    });
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
    return [{ id: null, name: "Workflow" }, ...this.path.map((node) => ({ id: node.subgraph.id, name: node.title || node.subgraph.name }))];
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
    const view = this.#views.get(this.prefix());
    if (view) {
      ds.scale = view.scale;
      ds.offset = view.offset;
    } else this.fit();
    this.redraw();
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

  // -------------------------------------------------------------------------------------------------------------- looks

  get readOnly(): boolean {
    return this.canvas.read_only;
  }

  scale(): number {
    return this.canvas.ds.scale;
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

  toOverlay(x: number, y: number): { x: number; y: number } {
    const { ds } = this.canvas;
    return { x: (x + ds.offset[0]) * ds.scale, y: (y + ds.offset[1]) * ds.scale };
  }

  fit(nodes?: LGraphNode[]): void {
    const graph = this.shownGraph();
    const boxes = (nodes?.length ? nodes : graph._nodes).map((node) => [node.pos[0], node.pos[1] - 30, node.size[0], (node.flags.collapsed ? 0 : node.size[1]) + 30]);
    if (!nodes?.length) for (const group of graph._groups) boxes.push([group.pos[0], group.pos[1], group.size[0], group.size[1]]);
    if (!nodes?.length && this.path.length) {
      const { inputNode, outputNode } = graph as Subgraph;
      for (const io of [inputNode, outputNode]) boxes.push([io.pos[0], io.pos[1], io.size[0], io.size[1]] as number[]);
    }
    const { ds } = this.canvas;
    const width = this.root.clientWidth || 800;
    const height = this.root.clientHeight || 600;
    if (!boxes.length) {
      ds.scale = 1;
      ds.offset = [width / 2, height / 2];
      return this.redraw();
    }
    const left = Math.min(...boxes.map((box) => box[0] as number));
    const top = Math.min(...boxes.map((box) => box[1] as number));
    const right = Math.max(...boxes.map((box) => (box[0] as number) + (box[2] as number)));
    const bottom = Math.max(...boxes.map((box) => (box[1] as number) + (box[3] as number)));
    const scale = Math.min((width - 48) / Math.max(right - left, 1), (height - 48) / Math.max(bottom - top, 1), nodes?.length ? 1.2 : 1);
    ds.min_scale = Math.min(0.1, scale);
    ds.scale = Math.max(scale, 0.02);
    ds.offset = [width / 2 / ds.scale - (left + right) / 2, height / 2 / ds.scale - (top + bottom) / 2];
    this.redraw();
  }

  applyPalette(palette: Palette, variables: Record<string, string>): void {
    this.palette = palette;
    for (const [name, value] of Object.entries({ ...paletteVariables(palette), ...variables })) this.root.style.setProperty(name, value);
    this.root.style.colorScheme = palette.dark ? "dark" : "light";
    Object.assign(LiteGraph, {
      NODE_TITLE_COLOR: palette.title, NODE_SELECTED_TITLE_COLOR: palette.title, NODE_TEXT_COLOR: palette.text,
      NODE_TEXT_HIGHLIGHT_COLOR: palette.title, NODE_DEFAULT_COLOR: palette.nodeTitle, NODE_DEFAULT_BGCOLOR: palette.node,
      NODE_DEFAULT_BOXCOLOR: palette.textDim, NODE_BOX_OUTLINE_COLOR: palette.accent, NODE_ERROR_COLOUR: palette.error, NODE_FONT: palette.font,
      DEFAULT_FONT: palette.font, GROUP_FONT: palette.font, WIDGET_BGCOLOR: palette.field, WIDGET_OUTLINE_COLOR: palette.fieldBorder,
      WIDGET_TEXT_COLOR: palette.fieldText, WIDGET_SECONDARY_TEXT_COLOR: palette.fieldLabel, WIDGET_DISABLED_TEXT_COLOR: palette.textDim,
      LINK_COLOR: palette.textDim, CONNECTING_LINK_COLOR: palette.accent, DEFAULT_SHADOW_COLOR: palette.shadow,
    });
    const { canvas } = this;
    canvas.node_title_color = palette.title;
    canvas.default_link_color = typeColor("*", palette);
    canvas.default_connection_color = {
      input_off: palette.textDim, input_on: palette.text, output_off: palette.textDim, output_on: palette.text,
    };
    canvas.colourGetter = {
      getConnectedColor: (type) => typeColor(type, this.palette), getDisconnectedColor: (type) => typeColor(type, this.palette),
    } as typeof canvas.colourGetter;
    // any type gets a colour, known or not
    LGraphCanvas.link_type_colors = new Proxy<Record<string, string>>(typeColors(palette), {
      get: (known, type) => (typeof type === "string" ? (known[type] ?? typeColor(type, this.palette)) : undefined),
    });
    clearTextCache();
    this.redraw();
  }

  setPalette(dark: boolean, variables: Record<string, string>): void {
    const font = variables["--cn-font"] ?? variables["--jp-ui-font-family"] ?? variables["--vscode-font-family"];
    this.applyPalette({ ...(dark ? DARK : LIGHT), ...(font ? { font } : {}) }, {});
  }

  applyOptions(options: ViewOptions): void {
    Object.assign(this.options, options);
    this.canvas.links_render_mode = { spline: 2, linear: 1, straight: 0, hidden: -1 }[this.options.linkMode];
    this.canvas.linkMarkerShape = this.options.linkMarkers ? 1 : 0;
    LiteGraph.alwaysSnapToGrid = this.options.snapToGrid;
    LiteGraph.CANVAS_GRID_SIZE = this.options.gridSize;
    LiteGraph.canvasNavigationMode = this.options.wheel === "pan" ? "standard" : "legacy";
    this.#drawOptions.showIds = this.options.showIds;
    this.redraw();
  }
}

function nodeById(graph: LGraph | Subgraph, id: NodeId): LGraphNode | null {
  return (graph._nodes_by_id[id] as LGraphNode | undefined) ?? null;
}

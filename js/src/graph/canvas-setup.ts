// Makes litegraph's canvas a good guest: its listeners on the document go, and what it does is told as the view's events.
import { replaceMethod } from "./canvas-methods";
import type { ViewCore } from "./core";
import { type LGraph, LGraphCanvas, type LGraphNode, type Subgraph, SubgraphNode } from "./litegraph";
import { nodeCreatedHooks } from "./defined-node";
import { registerSubgraph } from "./subgraph-node";
import { setSurface } from "./surface";
import type { ChangeKind } from "./types";
import type { AnyWidget } from "./widget-classes";

export function makeCanvas(core: ViewCore): LGraphCanvas {
  // the graph must be there from the start: without it the first frame throws and drawing is dead
  const canvas = new LGraphCanvas(core.element, core.graph, { skip_render: true });
  dropEmptyCallbacks(canvas as unknown as Record<string, unknown>);
  // litegraph listens on the whole document and never lets go; the canvas alone is enough for us
  const key = canvas._key_callback as EventListener;
  document.removeEventListener("keyup", key, true);
  core.element.removeEventListener("keydown", key, true);
  const onKey = (event: KeyboardEvent): void => {
    // letting go of the space bar would make a locked view editable again; a prevented key was a command
    if (!core.locked && !event.defaultPrevented) canvas.processKey(event);
  };
  replaceMethod(canvas, "processKey", (before) => (event) => {
    // only what needs litegraph's private state: the space bar pans; copy, paste and deletion are the editor's
    if (event.key === " " || event.key === "Shift" || event.key === "Escape" || event.type === "keyup") return before(event);
    for (const node of Object.values(canvas.selected_nodes)) node.onKeyDown?.(event);
  });
  core.listen(core.element, "keydown", onKey as EventListener, true);
  core.listen(core.element, "keyup", onKey as EventListener, true);
  const activate = (): void => {
    LGraphCanvas.active_canvas = canvas;
    setSurface(canvas, core);
  };
  core.listen(core.root, "pointerdown", activate, true);
  core.listen(core.root, "focusin", activate, true);
  LGraphCanvas.active_canvas = canvas;
  replaceMethod(canvas, "prompt", () => ((_title: string, value: unknown, callback: (text: string) => void) => {
    // packs ask through litegraph's prompt: a plain field at the pointer
    void import("../widgets/inline-edit").then(({ openInlineEdit }) => {
      const { x, y } = core.toOverlay(canvas.graph_mouse[0], canvas.graph_mouse[1]);
      openInlineEdit(core.overlay, { left: x, top: y, width: 180, height: 28, fontSize: 13, value: String(value ?? ""), onCommit: callback });
    });
    return document.createElement("div");
  }) as never);
  return canvas;
}

/** Callbacks that are declared but not set would hide those of the prototype, and packs that call what is `in` the canvas would fail. */
function dropEmptyCallbacks(canvas: Record<string, unknown>): void {
  for (const name of Object.keys(canvas)) if (name.startsWith("on") && canvas[name] === undefined) delete canvas[name];
}

/** litegraph listens on the whole document and never lets go; the canvas alone is enough for us. */
function releaseKeys(canvas: LGraphCanvas, element: HTMLCanvasElement): void {
  const key = canvas._key_callback as EventListener;
  document.removeEventListener("keyup", key, true);
  element.removeEventListener("keydown", key, true);
}

/** The canvas binds its methods when it is made; packs replace some of them on the prototype after that. */
export function rebindEvents({ canvas, element }: ViewCore): void {
  releaseCanvas(canvas, element);
  canvas.bindEvents();
  releaseKeys(canvas, element);
}

/** litegraph's own unbinding forgets the capture flag of what it added. */
export function releaseCanvas(canvas: LGraphCanvas, element: HTMLCanvasElement): void {
  for (const [type, callback] of [["pointerdown", "_mousedown_callback"], ["pointerup", "_mouseup_callback"], ["pointercancel", "_mousecancel_callback"]] as const) {
    element.removeEventListener(type, (canvas as AnyWidget)[callback], true);
  }
  // A frame that was detached first has no window any more; its listeners went with it.
  if (element.ownerDocument.defaultView) canvas.unbindEvents();
}

/** Edits of the graph, of its subgraphs and of values; returns how to stop listening. */
export function hookGraph(core: ViewCore, graph: LGraph): () => void {
  graph.events.addEventListener("subgraph-created", (event: AnyWidget) => {
    const subgraph = event.detail.subgraph as Subgraph;
    registerSubgraph(core.graph, subgraph);
    // the brackets of a subgraph's inputs and outputs are white in litegraph, whatever the ground
    const base = Object.getPrototypeOf(Object.getPrototypeOf(subgraph.inputNode) as object) as object;
    Object.defineProperty(base, "sideStrokeStyle", { configurable: true, get: () => core.palette.textDim });
    hookLevel(core, subgraph as never);
    core.changed("subgraph");
  });
  hookLevel(core, graph);
  // edits of values by packs reach this hook only
  const created = (node: LGraphNode): void => {
    const before = node.onWidgetChanged;
    node.onWidgetChanged = function (...args) {
      before?.apply(this, args);
      core.changed("widget");
    };
  };
  nodeCreatedHooks.add(created);
  return () => nodeCreatedHooks.delete(created);
}

function hookLevel(core: ViewCore, graph: LGraph): void {
  const chain = <K extends "onNodeAdded" | "onNodeRemoved" | "onAfterChange" | "onConnectionChange">(name: K, kind: ChangeKind): void => {
    const before = graph[name] as ((...args: unknown[]) => void) | undefined;
    (graph as AnyWidget)[name] = (...args: unknown[]) => {
      before?.apply(graph, args);
      core.changed(kind);
    };
  };
  chain("onNodeAdded", "add");
  chain("onNodeRemoved", "remove");
  chain("onConnectionChange", "connect");
  chain("onAfterChange", "other");
}

export function hookCanvas(core: ViewCore): void {
  const { canvas } = core;
  canvas.onSelectionChange = () => core.emit("selection", { ids: core.selectedIds(), groups: core.selectedGroups() });
  canvas.onNodeMoved = () => core.changed("move");
  canvas.ds.onChanged = (scale, offset) => core.emit("view", { scale, offset: [offset[0] as number, offset[1] as number] });
  hookLinks(core);
  replaceMethod(canvas, "renderLink", (before) => (ctx, a, b, link, border, flow, color, ...rest) => {
    const lit = canvas.highlighted_links;
    if (!link || !lit[link.id]) return before(ctx, a, b, link, border, flow, color, ...rest);
    // links of the selection: litegraph's white is nothing on a light ground
    canvas.highlighted_links = {};
    try {
      before(ctx, a, b, link, border, flow, core.palette.text, ...rest);
    } finally {
      canvas.highlighted_links = lit;
    }
  });
  replaceMethod(canvas, "openSubgraph", () => (subgraph) => {
    const nodes = core.shownGraph()._nodes.filter((node): node is SubgraphNode => node instanceof SubgraphNode && node.subgraph === subgraph);
    const node = nodes.find((candidate) => candidate.selected) ?? nodes[0];
    if (node) core.enter(node);
  });
  core.listen(core.element, "litegraph:canvas", ((event: CustomEvent) => {
    const { subType, originalEvent } = event.detail as AnyWidget;
    if (subType === "empty-double-click" && !core.readOnly) {
      core.emit("empty-double-click", { pos: [originalEvent.canvasX, originalEvent.canvasY], client: [originalEvent.clientX, originalEvent.clientY] });
    } else if (subType === "before-change" || subType === "after-change") core.changed("other");
  }) as EventListener);
  // litegraph keeps the event to itself while bubbling; edits of the drag were held back until now
  core.listen(window, "pointerup", () => {
    if (canvas.resizingGroup) core.changed("group");
    core.events.flushSoon();
  }, true);
}

function hookLinks(core: ViewCore): void {
  const { linkConnector } = core.canvas;
  linkConnector.events.addEventListener("link-created", () => core.changed("connect"));
  linkConnector.events.addEventListener("after-drop-links" as never, (() => core.changed("connect")) as never);
  linkConnector.events.addEventListener("dropped-on-canvas", (event: AnyWidget) => {
    const link = linkConnector.renderLinks[0] as AnyWidget;
    const up = event.detail;
    if (!link?.node || core.readOnly || link.node.id === undefined || link.fromSlotIndex === undefined) return;
    if (!["output", "input"].includes(link.toType)) return;
    core.emit("empty-release", {
      pos: [up.canvasX, up.canvasY], client: [up.clientX, up.clientY], shift: !!up.shiftKey,
      from: { node: link.node.id, slot: link.fromSlotIndex, input: link.toType === "output", type: String(link.fromSlot?.type ?? "*") },
    });
  });
}

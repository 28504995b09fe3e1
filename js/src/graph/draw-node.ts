// Draws nodes, links from afar and the canvas ground in our look; litegraph still does slots, link curves and groups.
import { fitText, textWidth } from "../widgets/text";
import { LabelPosition, type LGraphCanvas, LGraphGroup, LGraphNode, LiteGraph, strokeShapeOf, SubgraphNode } from "./litegraph";
import type { StateGuard } from "./context-state";
import { UnknownNode } from "./nodes";
import type { NodeRuntime } from "./runtime";
import { surfaceOf, type Surface } from "./surface";
import { adaptColor, type Palette, typeColor } from "./theme";
import type { AnyWidget } from "./widget-classes";

const TITLE = 30;
/** Below this zoom text cannot be read: boxes and straight links are drawn instead. */
export const LOW_QUALITY = 0.45;
const MUTED = 2;
const BYPASSED = 4;

/** Puts our drawing in place of litegraph's on this canvas. */
export function installDrawing(canvas: LGraphCanvas, surface: Surface, options: { showIds: boolean }, state: StateGuard): void {
  canvas.low_quality_zoom_threshold = LOW_QUALITY;
  canvas.render_shadows = false;
  canvas.show_info = false;
  canvas.render_canvas_border = false;
  canvas.render_connections_border = false;
  canvas.background_image = "";
  canvas.connections_width = 2.4;
  canvas.allow_searchbox = false;
  const drawNode = canvas.drawNode.bind(canvas);
  canvas.drawNode = (node, ctx) => {
    const runtime = surface.runtimeOf(node);
    const alpha = canvas.editor_alpha;
    const depth = state.depth();
    canvas.editor_alpha = node.mode === MUTED ? 0.4 : node.mode === BYPASSED ? 0.55 : 1;
    try {
      if (canvas.low_quality) return drawSmall(canvas, node, ctx, surface.palette, runtime);
      markSlots(node, runtime);
      drawNode(node, ctx);
    } catch (error) {
      reportOnce(surface, node, error);
      // what the node saved and did not restore would shift every node after it
      if (ctx === canvas.ctx) state.unwind(depth);
    } finally {
      canvas.editor_alpha = alpha;
    }
  };
  canvas.drawNodeShape = (node, ctx, size) => drawShape(canvas, node, ctx, [size[0], size[1]], surface, options);
  const drawConnections = canvas.drawConnections.bind(canvas);
  canvas.drawConnections = (ctx) => (canvas.low_quality ? drawLinksFast(canvas, ctx, surface.palette) : drawConnections(ctx));
  canvas.onRenderBackground = (element, ctx) => {
    drawGround(canvas, element, ctx, surface.palette);
    return true;
  };
}

/** Groups as a tinted area with a readable title; outputs without litegraph's black ring. Idempotent. */
export function installSharedDrawing(): void {
  LGraphGroup.prototype.draw = function (this: LGraphGroup, canvas, ctx) {
    const palette = surfaceOf(canvas)?.palette;
    if (!palette) return;
    const [x, y] = this._pos as unknown as [number, number];
    const [w, h] = this._size as unknown as [number, number];
    const size = this.font_size || LiteGraph.DEFAULT_GROUP_FONT_SIZE;
    const color = this.color || palette.group;
    ctx.save();
    ctx.fillStyle = color;
    ctx.strokeStyle = this.selected ? palette.accent : color;
    ctx.globalAlpha = palette.dark ? 0.16 : 0.13;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 8);
    ctx.fill();
    ctx.beginPath();
    ctx.roundRect(x, y, w, Math.min(size * 1.4, h), [8, 8, 0, 0]);
    ctx.fill();
    ctx.globalAlpha = this.selected ? 1 : 0.6;
    ctx.lineWidth = this.selected ? 2 : 1;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 8);
    ctx.stroke();
    ctx.globalAlpha = 0.8;
    ctx.beginPath();
    ctx.moveTo(x + w - 4, y + h - 13);
    ctx.lineTo(x + w - 4, y + h - 4);
    ctx.lineTo(x + w - 13, y + h - 4);
    ctx.stroke();
    if (size * canvas.ds.scale > 4) {
      ctx.globalAlpha = 0.85;
      ctx.font = `600 ${size * 0.8}px ${palette.font}`;
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      ctx.fillStyle = palette.title;
      ctx.fillText(fitText(ctx, this.title, w - 20), x + 10, y + size * 0.7);
    }
    ctx.restore();
  };
  const sample = new LGraphNode("");
  const output = Object.getPrototypeOf(sample.addOutput("", "*")) as { draw: (ctx: CanvasRenderingContext2D, options: object) => void };
  const slot = Object.getPrototypeOf(output) as typeof output;
  output.draw = function (this: object, ctx, options) {
    ctx.textAlign = "right";
    slot.draw.call(this, ctx, { ...options, labelPosition: LabelPosition.Left, doStroke: false });
    ctx.textAlign = "left";
  };
}

const reported = new WeakSet<LGraphNode>();

function reportOnce(surface: Surface, node: LGraphNode, error: unknown): void {
  if (reported.has(node)) return;
  reported.add(node);
  surface.services.notify("warning", `Node ${node.id} (${node.type}) cannot be drawn: ${String(error)}`);
}

function markSlots(node: LGraphNode, runtime: NodeRuntime | undefined): void {
  const bad = runtime?.error?.inputs;
  for (const input of node.inputs) input.hasErrors = bad?.length ? bad.includes(input.name) : false;
}

interface Looks {
  body: string;
  title: string;
  text: string;
}

function looks(node: LGraphNode, palette: Palette): Looks {
  const unknown = node instanceof UnknownNode;
  let body = node.bgcolor ? adaptColor(node.bgcolor, palette, "body") : unknown ? palette.unknown : palette.node;
  let title = node.color ? adaptColor(node.color, palette, "title") : unknown ? palette.unknown : palette.nodeTitle;
  if (node.mode === BYPASSED) body = title = palette.bypass;
  return { body, title, text: palette.title };
}

function drawShape(
  canvas: LGraphCanvas, node: LGraphNode, ctx: CanvasRenderingContext2D, size: [number, number], surface: Surface, options: { showIds: boolean },
): void {
  const { palette } = surface;
  const runtime = surface.runtimeOf(node);
  const look = looks(node, palette);
  const alpha = ctx.globalAlpha;
  const bounds = node.boundingRect as unknown as [number, number, number, number];
  const x = bounds[0] - node.pos[0];
  const y = bounds[1] - node.pos[1];
  const w = bounds[2];
  const h = bounds[3];
  const titled = node.title_mode !== 1 && node.title_mode !== 2;
  const square = node.renderingShape === 1;
  const radius = square ? 0 : 8;
  const path = (grow: number): void => {
    ctx.beginPath();
    ctx.roundRect(x - grow, y - grow, w + grow * 2, h + grow * 2, radius ? radius + grow : 0);
  };
  ctx.fillStyle = palette.shadow;
  ctx.beginPath();
  ctx.roundRect(x, y + 3, w, h, radius);
  ctx.fill();
  path(0);
  ctx.fillStyle = look.body;
  ctx.fill();
  node.onDrawBackground?.(ctx);
  if (titled) drawTitle(canvas, node, ctx, { x, y, w, radius, look, alpha }, surface, runtime, options);
  ctx.globalAlpha = alpha;
  path(-0.5);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.nodeBorder;
  ctx.stroke();
  drawOutlines(node, ctx, path, palette, runtime);
  for (const [name, style] of Object.entries(node.strokeStyles)) {
    if (name === "error" || name === "selected") continue;
    const stroke = style.call(node);
    if (stroke) strokeShapeOf(ctx, [x, y, w, h], { shape: node.renderingShape, title_height: TITLE, title_mode: node.title_mode, collapsed: node.collapsed, ...stroke });
  }
  void size;
}

function drawOutlines(node: LGraphNode, ctx: CanvasRenderingContext2D, path: (grow: number) => void, palette: Palette, runtime?: NodeRuntime): void {
  const outline = (color: string, grow: number, width: number, dash: number[] = []): void => {
    ctx.strokeStyle = color;
    ctx.lineWidth = width;
    ctx.setLineDash(dash);
    path(grow);
    ctx.stroke();
    ctx.setLineDash([]);
  };
  if (runtime?.error || node.has_errors) outline(palette.error, 1, 2.5);
  else if (runtime?.running) outline(palette.running, 1, 2.5);
  else if (runtime?.queued) outline(palette.queued, 1, 1.5, [5, 4]);
  if (node.selected) outline(palette.accent, runtime?.error || runtime?.running ? 4.5 : 1.5, 2);
}

interface TitleBox {
  x: number;
  y: number;
  w: number;
  radius: number;
  look: Looks;
  alpha: number;
}

function drawTitle(
  canvas: LGraphCanvas, node: LGraphNode, ctx: CanvasRenderingContext2D, box: TitleBox, surface: Surface, runtime: NodeRuntime | undefined,
  options: { showIds: boolean },
): void {
  const { palette } = surface;
  const { x, y, w, radius, look } = box;
  const collapsed = node.flags.collapsed;
  ctx.fillStyle = look.title;
  ctx.beginPath();
  ctx.roundRect(x, y, w, TITLE, collapsed ? radius : [radius, radius, 0, 0]);
  ctx.fill();
  const bar = runtime?.running ? runtime.progress : undefined;
  if (!collapsed) {
    ctx.fillStyle = palette.nodeBorder;
    ctx.fillRect(x, y + TITLE - 1, w, 1);
  }
  if (bar && bar.max > 0) {
    ctx.fillStyle = palette.running;
    ctx.fillRect(x, y + TITLE - 4, w * Math.min(Math.max(bar.value / bar.max, 0), 1), 4);
  }
  drawChevron(ctx, x + 15, y + TITLE / 2, !!collapsed, palette);
  const right = drawMarks(node, ctx, x + w - 8, y + TITLE / 2, surface, runtime, options);
  ctx.font = `600 13px ${palette.font}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = node.mode === BYPASSED && palette.dark ? "#f1e9fb" : look.text;
  const title = String(node.getTitle() ?? node.type);
  ctx.fillText(fitText(ctx, title, right - (x + 27) - 4), x + 27, y + TITLE / 2 + 0.5);
  ctx.textBaseline = "alphabetic";
  node.onDrawTitle?.(ctx);
  void canvas;
}

function drawChevron(ctx: CanvasRenderingContext2D, x: number, y: number, closed: boolean, palette: Palette): void {
  ctx.strokeStyle = palette.textDim;
  ctx.lineWidth = 1.6;
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  ctx.beginPath();
  if (closed) {
    ctx.moveTo(x - 2, y - 4);
    ctx.lineTo(x + 2, y);
    ctx.lineTo(x - 2, y + 4);
  } else {
    ctx.moveTo(x - 4, y - 2);
    ctx.lineTo(x, y + 2);
    ctx.lineTo(x + 4, y - 2);
  }
  ctx.stroke();
}

/** Small marks at the right of the title; returns where they begin. */
function drawMarks(
  node: LGraphNode, ctx: CanvasRenderingContext2D, right: number, y: number, surface: Surface, runtime: NodeRuntime | undefined, options: { showIds: boolean },
): number {
  const { palette } = surface;
  const info = surface.infoOf(node.type);
  let x = right;
  const text = (label: string, color: string): void => {
    ctx.font = `10px ${palette.font}`;
    const width = textWidth(ctx, label) + 8;
    ctx.strokeStyle = color;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.roundRect(x - width + 0.5, y - 7.5, width - 1, 15, 4);
    ctx.stroke();
    ctx.fillStyle = color;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(label, x - width / 2, y + 0.5);
    x -= width + 4;
  };
  if (node instanceof SubgraphNode && !node.flags.collapsed) {
    ctx.strokeStyle = palette.textDim;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.roundRect(x - 14, y - 6, 12, 12, 2.5);
    ctx.moveTo(x - 10, y + 2);
    ctx.lineTo(x - 5.5, y - 2.5);
    ctx.moveTo(x - 9, y - 2.8);
    ctx.lineTo(x - 5.5, y - 2.8);
    ctx.lineTo(x - 5.5, y + 0.8);
    ctx.stroke();
    x -= 20;
  }
  if (runtime?.error) {
    ctx.fillStyle = palette.error;
    ctx.beginPath();
    ctx.arc(x - 8, y, 8, 0, Math.PI * 2);
    ctx.fill();
    ctx.fillStyle = "#fff";
    ctx.font = `700 12px ${palette.font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText("!", x - 8, y + 0.5);
    x -= 20;
  } else if (runtime?.stale) {
    ctx.fillStyle = palette.warning;
    ctx.beginPath();
    ctx.arc(x - 5, y, 4, 0, Math.PI * 2);
    ctx.fill();
    x -= 14;
  }
  if (node.flags.pinned) {
    ctx.fillStyle = palette.textDim;
    ctx.beginPath();
    ctx.arc(x - 6, y - 3, 3.5, 0, Math.PI * 2);
    ctx.rect(x - 6.8, y, 1.6, 7);
    ctx.fill();
    x -= 15;
  }
  if (node.mode === MUTED) text("muted", palette.textDim);
  if (node.mode === BYPASSED) text("bypass", palette.dark ? "#d9c8f2" : "#5b2d91");
  if (node instanceof UnknownNode) text("missing", palette.error);
  if (info?.deprecated) text("deprecated", palette.warning);
  else if (info?.experimental) text("beta", palette.textDim);
  if (options.showIds) text(`#${node.id}`, palette.textDim);
  return x;
}

/** Far away: a box with its title bar, its states, and the picture it shows. */
function drawSmall(canvas: LGraphCanvas, node: LGraphNode, ctx: CanvasRenderingContext2D, palette: Palette, runtime?: NodeRuntime): void {
  const bounds = node.boundingRect as unknown as [number, number, number, number];
  const x = bounds[0] - node.pos[0];
  const y = bounds[1] - node.pos[1];
  const w = bounds[2];
  const h = bounds[3];
  const look = looks(node, palette);
  ctx.globalAlpha = node.mode === MUTED ? 0.4 : node.mode === BYPASSED ? 0.55 : 1;
  ctx.fillStyle = look.body;
  ctx.fillRect(x, y, w, h);
  const titled = node.title_mode !== 1 && node.title_mode !== 2;
  if (titled) {
    ctx.fillStyle = look.title;
    ctx.fillRect(x, y, w, TITLE);
  }
  const thin = 1 / canvas.ds.scale;
  const edge = runtime?.error ? palette.error : runtime?.running ? palette.running : node.selected ? palette.accent : palette.nodeBorder;
  const strong = edge !== palette.nodeBorder;
  ctx.strokeStyle = edge;
  ctx.lineWidth = strong ? 2.5 * thin : thin;
  ctx.strokeRect(x, y, w, h);
  if (runtime?.running && runtime.progress && runtime.progress.max > 0) {
    ctx.fillStyle = palette.running;
    ctx.fillRect(x, y + TITLE - 8, w * (runtime.progress.value / runtime.progress.max), 8);
  }
  // a large title stays readable as long as few nodes are in view
  if (titled && canvas.visible_nodes.length < 160) {
    const size = Math.min(TITLE - 6, 10.5 / canvas.ds.scale);
    if (size * canvas.ds.scale >= 7) {
      ctx.fillStyle = palette.title;
      ctx.font = `600 ${size}px ${palette.font}`;
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      ctx.fillText(fitText(ctx, String(node.getTitle() ?? ""), w - 16), x + 8, y + TITLE / 2);
      ctx.textBaseline = "alphabetic";
    }
  }
  if (!node.flags.collapsed && node.widgets) {
    const preview = (node.widgets as AnyWidget[]).find((widget) => widget.name === "$$canvas-image-preview");
    if (preview) {
      if (preview.computedHeight === undefined) {
        node._setConcreteSlots();
        node.arrange();
      }
      preview.drawWidget(ctx, { width: node.size[0], showText: false });
    }
  }
  ctx.globalAlpha = 1;
}

/** Straight links, one stroke for each colour. */
function drawLinksFast(canvas: LGraphCanvas, ctx: CanvasRenderingContext2D, palette: Palette): void {
  canvas.renderedPaths.clear();
  const { graph } = canvas;
  if (!graph || canvas.links_render_mode < 0) return;
  const area = canvas.visible_area as unknown as [number, number, number, number];
  const left = area[0] - 20;
  const top = area[1] - 20;
  const right = left + area[2] + 40;
  const bottom = top + area[3] + 40;
  const lines = new Map<string, number[]>();
  const slotHeight = LiteGraph.NODE_SLOT_HEIGHT;
  const byId = graph._nodes_by_id;
  const put = (type: unknown, ax: number, ay: number, bx: number, by: number): void => {
    if ((ax < left && bx < left) || (ax > right && bx > right) || (ay < top && by < top) || (ay > bottom && by > bottom)) return;
    const color = typeColor(type, palette);
    let list = lines.get(color);
    if (!list) lines.set(color, (list = []));
    list.push(ax, ay, bx, by);
  };
  for (const link of graph._links.values()) {
    const from = byId[link.origin_id];
    const to = byId[link.target_id];
    if (!from || !to) continue;
    const fromClosed = from.flags.collapsed;
    const ax = from.pos[0] + (fromClosed ? (from._collapsed_width ?? 80) : from.size[0] - 8);
    const ay = from.pos[1] + (fromClosed ? -TITLE / 2 : (link.origin_slot + 0.7) * slotHeight);
    const input = to.inputs[link.target_slot];
    const bx = to.pos[0] + (to.flags.collapsed ? 0 : 10);
    const by = to.pos[1] + (to.flags.collapsed ? -TITLE / 2 : (input?.pos?.[1] ?? (link.target_slot + 0.7) * slotHeight));
    let x = ax;
    let y = ay;
    if (link.parentId !== undefined) {
      const points: { pos: ArrayLike<number> }[] = [];
      for (let reroute = graph.getReroute(link.parentId), n = 0; reroute && n < 200; reroute = graph.getReroute(reroute.parentId as never), n++) points.unshift(reroute);
      for (const { pos } of points) {
        put(link.type, x, y, pos[0] as number, pos[1] as number);
        x = pos[0] as number;
        y = pos[1] as number;
      }
    }
    put(link.type, x, y, bx, by);
  }
  ctx.lineWidth = Math.max(canvas.connections_width * 0.8, 1.1 / canvas.ds.scale);
  ctx.globalAlpha = 0.85;
  for (const [color, list] of lines) {
    ctx.strokeStyle = color;
    ctx.beginPath();
    for (let i = 0; i < list.length; i += 4) {
      ctx.moveTo(list[i] as number, list[i + 1] as number);
      ctx.lineTo(list[i + 2] as number, list[i + 3] as number);
    }
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

const tiles = new Map<string, CanvasPattern>();

/** The ground: one colour with a faint grid of dots that keeps its density while zooming. */
function drawGround(canvas: LGraphCanvas, element: HTMLCanvasElement, ctx: CanvasRenderingContext2D, palette: Palette): void {
  const ratio = window.devicePixelRatio || 1;
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.canvas;
  ctx.fillRect(0, 0, element.width, element.height);
  let step = 20 * canvas.ds.scale;
  while (step < 15) step *= 2;
  while (step > 44) step /= 2;
  const key = `${palette.grid}|${ratio}`;
  let pattern = tiles.get(key);
  if (!pattern) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 32 * ratio;
    const pen = tile.getContext("2d");
    if (!pen) return;
    pen.fillStyle = palette.grid;
    pen.beginPath();
    pen.arc(16 * ratio, 16 * ratio, 1.3 * ratio, 0, Math.PI * 2);
    pen.fill();
    const made = ctx.createPattern(tile, "repeat");
    if (!made) return;
    tiles.set(key, (pattern = made));
  }
  const zoom = step / 32;
  const origin = canvas.ds.scale * ratio;
  pattern.setTransform(new DOMMatrix().translate(canvas.ds.offset[0] * origin, canvas.ds.offset[1] * origin).scale(zoom).translate(-16 * ratio, -16 * ratio));
  ctx.fillStyle = pattern;
  ctx.fillRect(0, 0, element.width, element.height);
}

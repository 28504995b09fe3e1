// Draws nodes in our look in place of litegraph's; litegraph still does slots and link curves.
import { replaceMethod } from "./canvas-methods";
import type { StateGuard } from "./context-state";
import { UnknownNode } from "./defined-node";
import { drawLinksFast, drawSmall } from "./draw-far";
import { drawGround } from "./draw-ground";
import { drawMissing } from "./draw-missing";
import { drawTitle } from "./draw-title";
import { limitToVisible } from "./draw-visible";
import { type LGraphCanvas, type LGraphNode, strokeShapeOf } from "./litegraph";
import { BYPASSED, LOW_QUALITY, looks, MUTED, TITLE } from "./node-looks";
import { packHooks } from "./pack-hooks";
import { followImages } from "./preview";
import type { NodeRuntime } from "./runtime";
import type { Surface } from "./surface";
import type { Palette } from "./theme";

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
  replaceMethod(canvas, "drawNode", (drawNode) => (node, ctx) => {
    const runtime = surface.runtimeOf(node);
    const alpha = canvas.editor_alpha;
    const depth = state.depth();
    canvas.editor_alpha = node.mode === MUTED ? 0.4 : node.mode === BYPASSED ? 0.55 : 1;
    try {
      if (canvas.low_quality) return drawSmall(canvas, node, ctx, surface.palette, runtime);
      markSlots(node, runtime);
      if (packHooks()) followImages(node);
      drawNode(node, ctx);
    } catch (error) {
      reportOnce(surface, node, error);
      // what the node saved and did not restore would shift every node after it
      if (ctx === canvas.ctx) state.unwind(depth);
    } finally {
      canvas.editor_alpha = alpha;
    }
  });
  replaceMethod(canvas, "drawNodeShape", () => (node, ctx) => drawShape(node, ctx, surface, options));
  limitToVisible(canvas);
  replaceMethod(canvas, "drawConnections", (drawConnections) => (ctx) => (canvas.low_quality ? drawLinksFast(canvas, ctx, surface.palette) : drawConnections(ctx)));
  canvas.onRenderBackground = (element, ctx) => {
    drawGround(canvas, element, ctx, surface.palette);
    return true;
  };
}

const reported = new WeakSet<LGraphNode>();

function reportOnce(surface: Surface, node: LGraphNode, error: unknown): void {
  if (reported.has(node)) return;
  reported.add(node);
  const hooks = packHooks();
  if (hooks) return hooks.failed("drawing", node, error);
  surface.services.notify("warning", `Node ${node.id} (${node.type}) cannot be drawn: ${String(error)}`);
}

function markSlots(node: LGraphNode, runtime: NodeRuntime | undefined): void {
  const bad = runtime?.error?.inputs;
  for (const input of node.inputs) input.hasErrors = bad?.length ? bad.includes(input.name) : false;
}

function drawShape(
  node: LGraphNode, ctx: CanvasRenderingContext2D, surface: Surface, options: { showIds: boolean },
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
  if (node instanceof UnknownNode) drawMissing(node, ctx, look, palette);
  if (titled) drawTitle(node, ctx, { x, y, w, radius, look, alpha }, surface, runtime, options);
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

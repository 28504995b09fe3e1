// The title bar of a node: fold mark, title, progress, and small marks for its states.
import { fitText, textWidth, useFont } from "../widgets/text";
import { UnknownNode } from "./defined-node";
import { type LGraphNode, SubgraphNode } from "./litegraph";
import { BYPASSED, type Looks, MUTED, TITLE } from "./node-looks";
import type { NodeRuntime } from "./runtime";
import type { Surface } from "./surface";
import type { Palette } from "./theme";

export interface TitleBox {
  x: number;
  y: number;
  w: number;
  radius: number;
  look: Looks;
  alpha: number;
}

export function drawTitle(
  node: LGraphNode, ctx: CanvasRenderingContext2D, box: TitleBox, surface: Surface, runtime: NodeRuntime | undefined,
  options: { showIds: boolean },
): void {
  const { palette } = surface;
  const { x, y, w, radius, look } = box;
  const collapsed = node.flags.collapsed;
  const own = ownTitle(node, ctx, look);
  if (!own.bar) {
    ctx.fillStyle = look.title;
    ctx.beginPath();
    ctx.roundRect(x, y, w, TITLE, collapsed ? radius : [radius, radius, 0, 0]);
    ctx.fill();
  }
  const bar = runtime?.running ? runtime.progress : undefined;
  if (!collapsed) {
    ctx.fillStyle = palette.nodeBorder;
    ctx.fillRect(x, y + TITLE - 1, w, 1);
  }
  if (bar && bar.max > 0) {
    ctx.fillStyle = palette.running;
    ctx.fillRect(x, y + TITLE - 4, w * Math.min(Math.max(bar.value / bar.max, 0), 1), 4);
  }
  if (!own.box()) drawChevron(ctx, x + 15, y + TITLE / 2, !!collapsed, palette);
  const right = drawMarks(node, ctx, x + w - 8, y + TITLE / 2, surface, runtime, options);
  useFont(ctx, `600 13px ${palette.font}`);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = node.mode === BYPASSED && palette.dark ? "#f1e9fb" : look.text;
  const title = String(node.getTitle() ?? node.type);
  if (!own.text()) ctx.fillText(fitText(ctx, title, right - (x + 27) - 4), x + 27, y + TITLE / 2 + 0.5);
  ctx.textBaseline = "alphabetic";
  node.onDrawTitle?.(ctx);
}

/** Packs draw parts of the title in their own way: the bar at once, the others when their turn comes; true where they do. */
function ownTitle(node: LGraphNode, ctx: CanvasRenderingContext2D, look: Looks): { bar: boolean; box(): boolean; text(): boolean } {
  const scale = 1;
  const size = node.renderingSize;
  node.onDrawTitleBar?.(ctx, TITLE, size, scale, look.title);
  const box = (): boolean => {
    node.onDrawTitleBox?.(ctx, TITLE, size, scale);
    return !!node.onDrawTitleBox;
  };
  const text = (): boolean => {
    node.onDrawTitleText?.(ctx, TITLE, size, scale, node.titleFontStyle, !!node.selected);
    return !!node.onDrawTitleText;
  };
  return { bar: !!node.onDrawTitleBar, box, text };
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
    useFont(ctx, `10px ${palette.font}`);
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
    useFont(ctx, `700 12px ${palette.font}`);
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

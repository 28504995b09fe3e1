// Pictures inside a node: their place and how they are drawn into it.
import { fitText } from "../widgets/text";
import type { LGraphNode } from "./litegraph";

export interface Box { x: number; y: number; w: number; h: number }

export function previewBox(node: LGraphNode, widget: { y: number; computedHeight?: number }): Box {
  return { x: 8, y: widget.y + 2, w: node.size[0] - 16, h: Math.max((widget.computedHeight ?? 160) - 6, 10) };
}

export function drawFitted(ctx: CanvasRenderingContext2D, image: HTMLImageElement, box: Box): void {
  const scale = Math.min(box.w / image.naturalWidth, box.h / image.naturalHeight);
  if (!(scale > 0) || !Number.isFinite(scale)) return;
  const w = image.naturalWidth * scale;
  const h = image.naturalHeight * scale;
  ctx.drawImage(image, box.x + (box.w - w) / 2, box.y + (box.h - h) / 2, w, h);
}

export function drawMissing(ctx: CanvasRenderingContext2D, box: Box, color: string, text: string): void {
  ctx.strokeStyle = color;
  ctx.globalAlpha *= 0.5;
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 4]);
  ctx.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
  ctx.setLineDash([]);
  ctx.globalAlpha *= 2;
  ctx.fillStyle = color;
  ctx.fillText(fitText(ctx, text, box.w - 6), box.x + box.w / 2, box.y + box.h / 2 + 4);
}

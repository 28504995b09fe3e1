// Two pictures in one place, with a divider that a person drags: the first at its left, the second at its right.
import { useFont } from "../widgets/text";
import { type Box, drawFitted, drawMissing, previewBox } from "./draw-picture";
import { BaseWidget, type CanvasPointerEvent, type LGraphCanvas, type LGraphNode } from "./litegraph";
import { COMPARE_WIDGET, growTo, removeWidget } from "./preview-widgets";
import { activeSurface, surfaceOf } from "./surface";
import type { FileRef } from "./types";
import type { AnyWidget } from "./widget-classes";

type Event = { e: CanvasPointerEvent; node: LGraphNode; canvas: LGraphCanvas };
type Side = HTMLImageElement | "loading" | "failed" | null;

export function showComparison(node: LGraphNode, first: FileRef[], second: FileRef[]): void {
  if (!first.length && !second.length) return removeWidget(node, COMPARE_WIDGET);
  let widget = node.widgets?.find((candidate) => candidate.name === COMPARE_WIDGET) as CompareWidget | undefined;
  if (!widget) {
    widget = new CompareWidget(node);
    node.addCustomWidget(widget as AnyWidget);
    growTo(node);
  }
  widget.show(first, second);
}

export class CompareWidget extends BaseWidget<AnyWidget> {
  /** Share of the width that shows the first picture. */
  divider = 0.5;
  #refs: FileRef[] = [];
  #sides: [Side, Side] = [null, null];
  #key = "";

  constructor(node: LGraphNode) {
    super({ name: COMPARE_WIDGET, type: "custom", value: "", options: { serialize: false }, y: 0 } as AnyWidget, node);
    this.serialize = false;
  }

  show(first: FileRef[], second: FileRef[]): void {
    const key = JSON.stringify([first, second]);
    if (key === this.#key) return;
    this.#key = key;
    this.#refs = [...first.slice(0, 1), ...second.slice(0, 1)];
    [first[0], second[0]].forEach((ref, i) => this.#fetch(ref, i as 0 | 1, key));
  }

  #fetch(ref: FileRef | undefined, side: 0 | 1, key: string): void {
    const put = (shown: Side): void => {
      if (key === this.#key) this.#sides[side] = shown;
      activeSurface()?.redraw();
    };
    // the picture before stays until the new one is there
    if (!ref || !(this.#sides[side] instanceof HTMLImageElement)) this.#sides[side] = ref ? "loading" : null;
    if (!ref) return;
    const image = new Image();
    image.onload = () => put(image);
    image.onerror = () => put("failed");
    activeSurface()?.services.fileUrl(ref).then((url) => { image.src = url; }, () => put("failed"));
  }

  override computeLayoutSize(): { minHeight: number; minWidth: number } {
    return { minHeight: 160, minWidth: 60 };
  }

  override drawWidget(ctx: CanvasRenderingContext2D): void {
    const palette = activeSurface()?.palette;
    const box = previewBox(this.node, this);
    const color = palette?.textDim ?? "#888";
    const [first, second] = this.#sides;
    ctx.save();
    useFont(ctx, `11px ${palette?.font ?? "sans-serif"}`);
    ctx.textAlign = "center";
    if (first && second) {
      const at = box.x + box.w * this.divider;
      drawPart(ctx, first, box, box.x, at, color);
      drawPart(ctx, second, box, at, box.x + box.w, color);
      drawDivider(ctx, at, box, palette?.accent ?? "#6ea8fe");
    } else drawPart(ctx, first ?? second, box, box.x, box.x + box.w, color);
    ctx.restore();
  }

  override onClick({ e, node, canvas }: Event): void {
    const box = previewBox(node, this);
    this.divider = Math.min(Math.max((e.canvasX - node.pos[0] - box.x) / box.w, 0), 1);
    canvas.setDirty(true, false);
  }

  override onDrag(event: Event): void {
    this.onClick(event);
  }

  override onPointerDown(pointer: { onDoubleClick?: (event: CanvasPointerEvent) => unknown }, _node: LGraphNode, canvas: LGraphCanvas): boolean {
    pointer.onDoubleClick = () => surfaceOf(canvas)?.openImages(this.#refs, this.divider > 0.5 ? 0 : this.#refs.length - 1);
    return false;
  }
}

function drawPart(ctx: CanvasRenderingContext2D, side: Side, box: Box, left: number, right: number, color: string): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, box.y, Math.max(right - left, 0), box.h);
  ctx.clip();
  if (side instanceof HTMLImageElement) drawFitted(ctx, side, box);
  else if (side) drawMissing(ctx, box, color, side === "failed" ? "image not available" : "loading…");
  ctx.restore();
}

function drawDivider(ctx: CanvasRenderingContext2D, x: number, box: Box, color: string): void {
  ctx.fillStyle = color;
  ctx.fillRect(x - 1, box.y, 2, box.h);
  ctx.beginPath();
  ctx.arc(x, box.y + box.h / 2, 8, 0, Math.PI * 2);
  ctx.fill();
  ctx.strokeStyle = "#fff";
  ctx.lineWidth = 1.6;
  ctx.beginPath();
  for (const way of [-1, 1]) {
    ctx.moveTo(x + way * 2.5, box.y + box.h / 2 - 3);
    ctx.lineTo(x + way * 5.5, box.y + box.h / 2);
    ctx.lineTo(x + way * 2.5, box.y + box.h / 2 + 3);
  }
  ctx.stroke();
}

// Results on the node itself: which of them are shown how; images as a fitted picture or a grid, live latent previews.
import { fitText, useFont } from "../widgets/text";
import { type Box, drawFitted, drawMissing, previewBox } from "./draw-picture";
import { BaseWidget, type CanvasPointerEvent, type LGraphCanvas, type LGraphNode } from "./litegraph";
import { showComparison } from "./preview-compare";
import { showAnimation, showPlayers, showText } from "./preview-elements";
import { packHooks } from "./pack-hooks";
import { ANIMATED_WIDGET, growTo, IMAGE_WIDGET, removeWidget } from "./preview-widgets";
import { type NodeRuntime, refsIn, uiImages, uiMedia, uiTexts } from "./runtime";
import { activeSurface, surfaceOf } from "./surface";
import type { FileRef } from "./types";
import type { AnyWidget } from "./widget-classes";

interface Shown {
  refs: FileRef[];
  key: string;
  images: (HTMLImageElement | null)[];
  failed: boolean[];
  /** Index of the picture shown alone; null shows the grid. */
  index: number | null;
  /** The list that packs find at `node.imgs`. */
  imgs?: HTMLImageElement[];
}

const shown = new WeakMap<LGraphNode, Shown>();

export function previewOf(node: LGraphNode): Shown | undefined {
  return shown.get(node);
}

/** Shows what a run (or a chosen file) says; null takes the previews away. */
export function showOutputs(node: LGraphNode, ui: Record<string, unknown> | null): void {
  const refs = uiImages(ui ?? undefined);
  const animated = Array.isArray(ui?.animated) && ui.animated.some(Boolean);
  if (animated && refs.length) {
    removeWidget(node, IMAGE_WIDGET);
    shown.delete(node);
    showAnimation(node, refs);
  } else {
    removeWidget(node, ANIMATED_WIDGET);
    showImages(node, refs);
  }
  showComparison(node, refsIn(ui?.a_images), refsIn(ui?.b_images));
  if (packHooks() && (node as AnyWidget).onExecuted) return; // a pack shows what else there is in its own way
  showPlayers(node, uiMedia(ui ?? undefined));
  showText(node, uiTexts(ui ?? undefined));
}

/** Packs put pictures on a node, and take them off, by its `imgs`. */
export function followImages(node: LGraphNode): void {
  const state = shown.get(node);
  const imgs = (node as AnyWidget).imgs as HTMLImageElement[] | null | undefined;
  if (imgs === state?.imgs || (imgs == null && state?.imgs === undefined)) return;
  if (!Array.isArray(imgs) || !imgs.length) {
    shown.delete(node);
    return removeWidget(node, IMAGE_WIDGET);
  }
  const images = imgs.filter((image) => image instanceof HTMLImageElement || (image as HTMLImageElement)?.naturalWidth > 0);
  const index = images.length === 1 ? 0 : null;
  shown.set(node, { refs: images.map(refOfImage), key: "", images, failed: images.map(() => false), index, imgs });
  ensureImageWidget(node);
}

function refOfImage({ src }: HTMLImageElement): FileRef {
  const query = new URLSearchParams(src.slice(src.indexOf("?") + 1));
  return { filename: query.get("filename") ?? "", subfolder: query.get("subfolder") ?? "", type: query.get("type") ?? "" };
}

export function showImages(node: LGraphNode, refs: FileRef[]): void {
  const key = JSON.stringify(refs);
  const old = shown.get(node);
  if (old?.key === key) return;
  if (!refs.length) {
    shown.delete(node);
    setImages(node, undefined);
    return removeWidget(node, IMAGE_WIDGET);
  }
  const state: Shown = { refs, key, images: refs.map(() => null), failed: refs.map(() => false), index: refs.length === 1 ? 0 : null };
  shown.set(node, state);
  setImages(node, undefined);
  Object.assign(node, { images: refs, imageIndex: state.index });
  const services = activeSurface()?.services;
  refs.forEach((ref, i) => {
    const image = new Image();
    const done = (ok: boolean): void => {
      state.failed[i] = !ok;
      if (ok) state.images[i] = image;
      if (shown.get(node) !== state) return;
      state.imgs = state.images.filter((one): one is HTMLImageElement => one !== null);
      setImages(node, state.imgs);
      activeSurface()?.redraw();
    };
    image.onload = () => done(true);
    image.onerror = () => done(false);
    services?.fileUrl(ref).then((url) => { image.src = url; }, () => done(false));
  });
  ensureImageWidget(node);
}

/** Some packs watch `imgs` with a setter of their own, which expects pictures and may throw. */
function setImages(node: LGraphNode, imgs: HTMLImageElement[] | undefined): void {
  if (!imgs && ((node as AnyWidget).imgs === undefined || Object.getOwnPropertyDescriptor(node, "imgs")?.set)) return;
  try {
    (node as AnyWidget).imgs = imgs;
  } catch (error) {
    packHooks()?.failed("imgs", node, error);
  }
}

/** The space for pictures: grows with the node, is not saved. */
export function ensureImageWidget(node: LGraphNode): void {
  if (node.widgets?.some((widget) => widget.name === IMAGE_WIDGET)) return;
  const widget = new ImagePreviewWidget(node);
  node.addCustomWidget(widget as AnyWidget);
  growTo(node);
}

class ImagePreviewWidget extends BaseWidget<AnyWidget> {
  constructor(node: LGraphNode) {
    super({ name: IMAGE_WIDGET, type: "custom", value: "", options: { serialize: false }, y: 0 } as AnyWidget, node);
    this.serialize = false;
  }

  override computeLayoutSize(): { minHeight: number; minWidth: number } {
    return { minHeight: 160, minWidth: 60 };
  }

  override drawWidget(ctx: CanvasRenderingContext2D): void {
    const surface = activeSurface();
    const runtime = surface?.runtimeOf(this.node);
    const box = previewBox(this.node, this);
    drawPreview(ctx, this.node, box, runtime, surface?.palette.textDim ?? "#888", surface?.palette.font ?? "sans-serif");
  }

  override onClick({ e, node, canvas }: { e: CanvasPointerEvent; node: LGraphNode; canvas: LGraphCanvas }): void {
    const state = shown.get(node);
    const surface = surfaceOf(canvas);
    if (!state || !surface) return;
    const x = e.canvasX - node.pos[0];
    const y = e.canvasY - node.pos[1];
    const box = previewBox(node, this);
    if (state.index === null) {
      const cell = cellsOf(state.refs.length, box, state).findIndex((c) => x >= c.x && x < c.x + c.w && y >= c.y && y < c.y + c.h);
      if (cell >= 0) state.index = cell;
    } else if (state.refs.length > 1) {
      if (x > box.x + box.w - 24 && y < box.y + 24) state.index = null;
      else state.index = (state.index + (x < box.x + box.w / 2 ? state.refs.length - 1 : 1)) % state.refs.length;
    }
    (node as AnyWidget).imageIndex = state.index;
    canvas.setDirty(true, false);
  }

  override onPointerDown(pointer: { onDoubleClick?: (event: CanvasPointerEvent) => unknown }, node: LGraphNode, canvas: LGraphCanvas): boolean {
    pointer.onDoubleClick = () => {
      const state = shown.get(node);
      if (state?.refs.every(({ filename }) => filename)) surfaceOf(canvas)?.openImages(state.refs, state.index ?? 0);
    };
    return false;
  }
}

function cellsOf(count: number, box: Box, state: Shown): Box[] {
  const first = state.images.find(Boolean);
  const aspect = first ? first.naturalWidth / first.naturalHeight : 1;
  let best = { columns: 1, size: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const size = Math.min(box.w / columns / aspect, box.h / rows);
    if (size > best.size) best = { columns, size };
  }
  const rows = Math.ceil(count / best.columns);
  const w = box.w / best.columns;
  const h = box.h / rows;
  return Array.from({ length: count }, (_, i) => ({
    x: box.x + (i % best.columns) * w, y: box.y + Math.floor(i / best.columns) * h, w, h,
  }));
}

function drawPreview(ctx: CanvasRenderingContext2D, node: LGraphNode, box: Box, runtime: NodeRuntime | undefined, dim: string, font: string): void {
  ctx.save();
  ctx.imageSmoothingQuality = "medium";
  useFont(ctx, `11px ${font}`);
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  const live = runtime?.preview;
  const state = shown.get(node);
  if (live) {
    if (live.image.complete && live.image.naturalWidth) drawFitted(ctx, live.image, { ...box, h: box.h - 16 });
    ctx.fillStyle = dim;
    ctx.fillText("preview", box.x + box.w / 2, box.y + box.h - 3);
  } else if (state && state.index !== null) drawOne(ctx, state, box, dim);
  else if (state) {
    cellsOf(state.refs.length, box, state).forEach((cell, i) => {
      const inner = { x: cell.x + 1.5, y: cell.y + 1.5, w: cell.w - 3, h: cell.h - 3 };
      const image = state.images[i];
      if (image) drawFitted(ctx, image, inner);
      else drawMissing(ctx, inner, dim, state.failed[i] ? "not available" : "…");
    });
  }
  ctx.restore();
}

function drawOne(ctx: CanvasRenderingContext2D, state: Shown, box: Box, dim: string): void {
  const index = state.index ?? 0;
  const image = state.images[index];
  const picture = { ...box, h: box.h - 16 };
  if (image) drawFitted(ctx, image, picture);
  else drawMissing(ctx, picture, dim, state.failed[index] ? "image not available" : "loading…");
  const size = image ? `${image.naturalWidth} × ${image.naturalHeight}` : "";
  const many = state.refs.length > 1;
  ctx.fillStyle = dim;
  ctx.fillText(fitText(ctx, many ? `${index + 1} / ${state.refs.length}   ${size}` : size, box.w), box.x + box.w / 2, box.y + box.h - 3);
  if (many) {
    ctx.fillStyle = "rgba(0,0,0,.55)";
    ctx.beginPath();
    ctx.roundRect(box.x + box.w - 22, box.y + 3, 19, 19, 4);
    ctx.fill();
    ctx.strokeStyle = "#fff";
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    for (const [dx, dy] of [[0, 0], [7, 0], [0, 7], [7, 7]] as const) ctx.rect(box.x + box.w - 18 + dx, box.y + 7 + dy, 4, 4);
    ctx.stroke();
  }
}

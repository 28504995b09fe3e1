// scripts/ui/imagePreview.js: how a node lays out several images, and an element that shows them.

import { $el } from "./element";

type ImageNode = { imgs?: HTMLImageElement[]; imageIndex?: number | null; overIndex?: number | null; setDirtyCanvas?: (foreground: boolean, background?: boolean) => void };

/** The grid of equal cells that shows images of one size largest in `width` × `height`. */
export function calculateImageGrid(images: ArrayLike<{ naturalWidth: number; naturalHeight: number }>, width: number, height: number): { cellWidth: number; cellHeight: number; cols: number; rows: number; shiftX: number } {
  const count = images.length;
  const ratio = (images[0]?.naturalWidth ?? 1) / (images[0]?.naturalHeight || 1);
  let best = { cellWidth: 0, cellHeight: 0, cols: 1, rows: Math.max(1, count), shiftX: 0 };
  let largest = -1;
  for (let cols = 1; cols <= count; cols++) {
    const rows = Math.ceil(count / cols);
    const scale = Math.min(width / cols / ratio, height / rows);
    if (scale * scale * ratio <= largest) continue;
    largest = scale * scale * ratio;
    const cellWidth = scale * ratio;
    best = { cellWidth, cellHeight: scale, cols, rows, shiftX: (width - cellWidth * cols) / 2 };
  }
  return best;
}

/** An element that shows the node's images as a grid; `updateImages` is called when they change. */
export function createImageHost(node: ImageNode): { el: HTMLElement; updateImages(images: HTMLImageElement[]): void; getCurrentImage(): HTMLImageElement | undefined; handleClick(): void } {
  const el = $el("div.comfy-img-preview");
  let shown: HTMLImageElement[] | undefined;
  return {
    el,
    getCurrentImage: () => shown?.[node.imageIndex ?? 0],
    updateImages: (images) => {
      if (images === shown || (images.length === shown?.length && images.every((image, index) => image === shown?.[index]))) return;
      shown = images;
      el.replaceChildren(...images);
    },
    handleClick: () => {
      const index = shown?.findIndex((image) => image.matches(":hover")) ?? -1;
      node.overIndex = index < 0 ? null : index;
      node.imageIndex = node.imageIndex != null ? null : node.overIndex;
      node.setDirtyCanvas?.(true, true);
    },
  };
}

// The clipspace: pictures and widget values copied from one node into another, as packs use it through `ComfyApp`.
import type { Any } from "./types";

interface Copied {
  widgets: { type: string; name: string; value: unknown }[] | null;
  imgs: HTMLImageElement[] | null;
  original_imgs: HTMLImageElement[] | null;
  images: unknown[] | null;
  selectedIndex: number;
  img_paste_mode: string;
  combinedIndex?: number;
  maskedImage?: unknown;
}

let current: Copied | null = null;
let returning: Any = null;
let invalidated: (() => void) | null = null;

/** Statics as accessors: packs set them on `ComfyApp`, which inherits them. */
export class Clipspace {
  static get clipspace(): Copied | null { return current; }
  static set clipspace(copied: Copied | null) { current = copied; }
  static get clipspace_return_node(): Any { return returning; }
  static set clipspace_return_node(node: Any) { returning = node; }
  static get clipspace_invalidate_handler(): (() => void) | null { return invalidated; }
  static set clipspace_invalidate_handler(handler: (() => void) | null) { invalidated = handler; }
  static open_maskeditor: (() => void) | null = null;
  static maskeditor_is_opended: (() => boolean) | null = null;

  static isImageNode(node: Any): boolean {
    return !!node?.imgs || !!node?.widgets?.some((widget: Any) => widget.name === "image");
  }

  static copyToClipspace(node: Any): void {
    const index = node.imageIndex ?? 0;
    const pictures: HTMLImageElement[] | undefined = node.imgs;
    const imgs = pictures?.map(({ src }) => Object.assign(new Image(), { src })) ?? null;
    current = {
      widgets: node.widgets?.map(({ type, name, value }: Any) => ({ type, name, value })) ?? null,
      imgs, original_imgs: imgs, images: node.images ?? null, selectedIndex: index, img_paste_mode: "selected",
    };
    Clipspace.clipspace_return_node = null;
    Clipspace.clipspace_invalidate_handler?.();
  }

  static pasteFromClipspace(node: Any): void {
    const copied = current;
    if (!copied) return;
    if (copied.imgs && node.imgs) {
      const one = copied.img_paste_mode === "selected";
      const at = copied.selectedIndex;
      node.imgs = one ? [copied.imgs[at] ?? copied.imgs[0]].filter(Boolean) : copied.imgs;
      if (copied.images) node.images = one ? [copied.images[at]].filter(Boolean) : copied.images;
      node.imageIndex = one ? 0 : null;
    }
    for (const { type, name, value } of copied.widgets ?? []) {
      const widget = node.widgets?.find((candidate: Any) => candidate.type === type && candidate.name === name);
      if (!widget || value === undefined) continue;
      widget.value = value;
      widget.callback?.(value);
    }
    node.graph?.setDirtyCanvas?.(true, true);
  }

  static onClipspaceEditorSave(): void {
    if (Clipspace.clipspace_return_node) Clipspace.pasteFromClipspace(Clipspace.clipspace_return_node);
  }

  static onClipspaceEditorClosed(): void {
    Clipspace.clipspace_return_node = null;
  }

  openClipspace(): void {
    Clipspace.clipspace_invalidate_handler?.();
  }
}

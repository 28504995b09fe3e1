// The clipspace: pictures and widget values copied from one node into another. Packs use it through `ComfyApp`, which inherits
// its statics.
import type { LGraphCanvas, LGraphNode } from "./litegraph";
import { previewOf, showImages } from "./preview";
import type { FileRef } from "./types";
import { type AnyWidget, commitValue } from "./widget-classes";

// Packs put anything on nodes.
type AnyNode = AnyWidget;

export interface Copied {
  widgets: { type: string; name: string; value: unknown }[] | null;
  imgs: HTMLImageElement[] | null;
  original_imgs: HTMLImageElement[] | null;
  images: FileRef[] | null;
  selectedIndex: number;
  /** "selected" pastes one of the pictures, "all" all of them. */
  img_paste_mode: string;
  combinedIndex?: number;
  maskedImage?: unknown;
}

let current: Copied | null = null;
let returning: AnyNode = null;
let invalidated: (() => void) | null = null;

/** Statics as accessors: packs set them on `ComfyApp`, which inherits them. */
export class Clipspace {
  static get clipspace(): Copied | null { return current; }
  static set clipspace(copied: Copied | null) { current = copied; }
  /** The node that gets what the mask editor saves. */
  static get clipspace_return_node(): AnyNode { return returning; }
  static set clipspace_return_node(node: AnyNode) { returning = node; }
  static get clipspace_invalidate_handler(): (() => void) | null { return invalidated; }
  static set clipspace_invalidate_handler(handler: (() => void) | null) { invalidated = handler; }
  static open_maskeditor: (() => void) | null = null;
  static maskeditor_is_opended: (() => boolean) | null = null;

  static isImageNode(node: AnyNode): boolean {
    return !!node?.imgs || !!node?.widgets?.some((widget: AnyWidget) => widget.name === "image");
  }

  static copyToClipspace(node: AnyNode): void {
    const imgs = (node.imgs as HTMLImageElement[] | undefined)?.map(({ src }) => Object.assign(new Image(), { src })) ?? null;
    const files = previewOf(node)?.refs.filter(({ filename }) => filename);
    current = {
      widgets: node.widgets?.map(({ type, name, value }: AnyWidget) => ({ type, name, value })) ?? null,
      imgs, original_imgs: imgs, images: files?.length ? files : (node.images ?? null), selectedIndex: node.imageIndex ?? 0, img_paste_mode: "selected",
    };
    Clipspace.clipspace_return_node = null;
    Clipspace.clipspace_invalidate_handler?.();
  }

  static pasteFromClipspace(node: AnyNode): void {
    if (!current) return;
    const chosen = imageWidgetOf(node);
    const file = fileIn(current);
    if (file && chosen) setWidget(node, chosen, annotated(file));
    else pasteImages(node, current);
    for (const { type, name, value } of current.widgets ?? []) {
      const widget = node.widgets?.find((candidate: AnyWidget) => candidate.type === type && candidate.name === name);
      if (widget && type !== "button" && value !== undefined && !(file && widget === chosen)) setWidget(node, widget, value);
    }
    node.graph?.setDirtyCanvas?.(true, true);
  }

  static onClipspaceEditorSave(): void {
    if (Clipspace.clipspace_return_node) Clipspace.pasteFromClipspace(Clipspace.clipspace_return_node);
  }

  static onClipspaceEditorClosed(): void {
    Clipspace.clipspace_return_node = null;
  }
}

/** The file of the picture that is selected. */
export function fileIn(copied: Copied): FileRef | null {
  const file = copied.images?.[copied.selectedIndex] ?? copied.images?.[0];
  return typeof file?.filename === "string" && file.filename ? file : null;
}

/** "sub/name.png [input]", as widgets that choose a file write it. */
export function annotated({ filename, subfolder, type }: FileRef): string {
  return `${subfolder ? `${subfolder}/` : ""}${filename}${type ? ` [${type}]` : ""}`;
}

/** The widget that says which picture the node loads. */
export function imageWidgetOf(node: AnyNode): AnyWidget | undefined {
  const name: string = node.cnUpload?.kind === "image" ? node.cnUpload.name : "image";
  return node.widgets?.find((widget: AnyWidget) => widget.name === name && typeof widget.value === "string");
}

function setWidget(node: AnyNode, widget: AnyWidget, value: unknown): void {
  const canvas = (node.graph as AnyNode)?.list_of_graphcanvas?.[0] as LGraphCanvas | undefined;
  if (canvas) return commitValue(widget, value, { node: node as LGraphNode, canvas });
  widget.value = value;
  widget.callback?.(value);
}

function pasteImages(node: AnyNode, { imgs, images, selectedIndex, img_paste_mode: mode }: Copied): void {
  const one = mode === "selected";
  const pick = <T>(list: T[]): T[] => (one ? [list[selectedIndex] ?? list[0]].filter((item): item is T => item !== undefined) : list);
  if (!node.imgs && !previewOf(node)) return;
  if (images?.length && images.every((file) => file?.filename)) return showImages(node, pick(images));
  if (!imgs) return;
  node.imgs = pick(imgs);
  node.imageIndex = one ? 0 : null;
}

// What an editor is made from: what the kernel says at the start, and the elements and services around the canvas.

import type { ModuleList } from "../extensions/loading";
import type { NodeInfo } from "../graph";
import type { Host } from "../host";
import type { EditorInfo, KernelApi } from "./api";
import type { Toasts } from "./feedback";
import type { Lightbox } from "./lightbox";
import type { Media } from "./media";
import type { Document } from "./patch";
import type { SafeStorage } from "./storage";

/** What the kernel says at the start. */
export interface StartData {
  definitions: Record<string, NodeInfo>;
  rev: number;
  document: Document;
  info: EditorInfo;
  /** What the person set about the editor, as the kernel keeps it. */
  settings: unknown;
  /** The scripts of packs; null where they could not be listed. */
  scripts: ModuleList | null;
}

/** What exists before the canvas: the elements and services that the canvas itself needs. */
export interface EditorParts {
  root: HTMLElement;
  canvas: HTMLElement;
  host: Host;
  api: KernelApi;
  media: Media;
  storage: SafeStorage;
  toasts: Toasts;
  lightbox: Lightbox;
}

/** What files of the workflow are called. */
export function fileTitle(info: EditorInfo): string {
  const name = (info.title || info.path?.split(/[\\/]/).at(-1) || "workflow").replace(/\.json$/i, "");
  return name.replace(/[\\/:*?"<>|]+/g, "_");
}


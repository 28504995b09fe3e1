// What a run says about nodes: running, progress, queued, stale, errors, outputs. Keyed by execution id ("7", "12:3").
import type { FileRef } from "./types";

export interface NodeRuntime {
  running?: boolean;
  queued?: boolean;
  stale?: boolean;
  progress?: { value: number; max: number };
  error?: { message: string; inputs: string[] };
  ui?: Record<string, unknown>;
  preview?: { url: string; image: HTMLImageElement };
}

export class RunState {
  readonly nodes = new Map<string, NodeRuntime>();

  of(id: string): NodeRuntime {
    let state = this.nodes.get(id);
    if (!state) this.nodes.set(id, (state = {}));
    return state;
  }

  /** The state of a node, with what its inner nodes say where it is a subgraph instance. */
  seen(id: string): NodeRuntime | undefined {
    const own = this.nodes.get(id);
    const prefix = `${id}:`;
    let merged: NodeRuntime | undefined;
    for (const [key, inner] of this.nodes) {
      if (!key.startsWith(prefix)) continue;
      merged ??= { ...own };
      merged.running ||= inner.running;
      merged.queued ||= inner.queued;
      merged.stale ||= inner.stale;
      merged.error ??= inner.error && { message: inner.error.message, inputs: [] };
      if (inner.running && inner.progress) merged.progress = inner.progress;
    }
    return merged ?? own;
  }

  setRunning(id: string | null): void {
    for (const state of this.nodes.values()) {
      if (state.running) state.progress = undefined;
      state.running = false;
    }
    if (id === null) return;
    const state = this.of(id);
    Object.assign(state, { running: true, queued: false, stale: false, error: undefined });
  }

  setFlags(flag: "queued" | "stale", ids: Iterable<string>): void {
    for (const state of this.nodes.values()) state[flag] = false;
    for (const id of ids) this.of(id)[flag] = true;
  }

  clearErrors(): void {
    for (const state of this.nodes.values()) state.error = undefined;
  }

  clear(): void {
    for (const state of this.nodes.values()) if (state.preview) URL.revokeObjectURL(state.preview.url);
    this.nodes.clear();
  }
}

const PLAYED = /\.(mp4|webm|mov|mkv|avi|m4v|mp3|wav|flac|ogg|opus|m4a|aac)$/i;

/** The files in one list of a `ui`. */
export function refsIn(list: unknown): FileRef[] {
  return (Array.isArray(list) ? list : []).filter((ref): ref is FileRef => typeof (ref as FileRef | null)?.filename === "string");
}

/** The image files that a node's `ui` names. */
export function uiImages(ui: Record<string, unknown> | undefined): FileRef[] {
  return [...refsIn(ui?.images), ...refsIn(ui?.gifs)].filter(({ filename }) => !PLAYED.test(filename));
}

/** The files with sound or moving pictures, wherever a node lists them. */
export function uiMedia(ui: Record<string, unknown> | undefined): FileRef[] {
  return [ui?.video, ui?.videos, ui?.gifs, ui?.images, ui?.audio].flatMap(refsIn).filter(({ filename }) => PLAYED.test(filename));
}

export function uiTexts(ui: Record<string, unknown> | undefined): string[] {
  const text = ui?.text ?? ui?.string;
  if (typeof text === "string") return [text];
  if (!Array.isArray(text)) return [];
  const parts = text.map((part) => (typeof part === "string" ? part : JSON.stringify(part)));
  // one Python string written as the whole list comes apart into single characters
  return parts.length > 1 && parts.every((part) => part.length === 1) ? [parts.join("")] : parts;
}

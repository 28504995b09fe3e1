// Where the view looks: fitting nodes into it, and the first look at a level.
import type { LGraph, LGraphCanvas, LGraphNode, Subgraph } from "./litegraph";

export type Box = [x: number, y: number, w: number, h: number];
export interface Look {
  scale: number;
  offset: [number, number];
}
export interface Size {
  width: number;
  height: number;
}

const MARGIN = 24;
/** Nobody recognises a graph that is smaller; then a part of it is shown, large enough to read. */
const SMALLEST_WHOLE = 0.35;
const READABLE = 0.5;
const STORED_KEY = "comfy-notebook.views";
const STORED_MAX = 40;

/** The rectangle around boxes; null without any. */
export function around(boxes: readonly ArrayLike<number>[]): Box | null {
  if (!boxes.length) return null;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    const [x, y, w, h] = [box[0] as number, box[1] as number, box[2] as number, box[3] as number];
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + w);
    bottom = Math.max(bottom, y + h);
  }
  return [left, top, right - left, bottom - top];
}

export function nodeBox(node: LGraphNode): Box {
  return [node.pos[0], node.pos[1] - 30, node.size[0], (node.flags.collapsed ? 0 : node.size[1]) + 30];
}

/** Everything a level shows: nodes, groups, and inside a subgraph its inputs and outputs. */
export function contentOf(graph: LGraph | Subgraph): Box | null {
  const boxes: ArrayLike<number>[] = graph._nodes.map(nodeBox);
  for (const { pos, size } of graph._groups) boxes.push([pos[0], pos[1], size[0], size[1]]);
  if ("inputNode" in graph) {
    for (const { pos, size } of [graph.inputNode, graph.outputNode]) boxes.push([pos[0] as number, pos[1] as number, size[0] as number, size[1] as number]);
  }
  return around(boxes);
}

export function fitLook([x, y, w, h]: Box, { width, height }: Size, largest: number): Look {
  const scale = Math.max(Math.min((width - MARGIN * 2) / Math.max(w, 1), (height - MARGIN * 2) / Math.max(h, 1), largest), 0.02);
  return { scale, offset: [width / 2 / scale - (x + w / 2), height / 2 / scale - (y + h / 2)] };
}

/** The whole content where it is large enough; else its beginning, as wide or as high as the window. */
export function openingLook(content: Box | null, size: Size): Look {
  if (!content) return { scale: 1, offset: [size.width / 2, size.height / 2] };
  const whole = fitLook(content, size, 1);
  if (whole.scale >= SMALLEST_WHOLE) return whole;
  const [x, y, w, h] = content;
  const wide = (size.width - MARGIN * 2) / Math.max(w, 1);
  const high = (size.height - MARGIN * 2) / Math.max(h, 1);
  const scale = Math.min(Math.max(wide, high, READABLE), 1);
  const start = (at: number, length: number, room: number): number =>
    length * scale <= room - MARGIN * 2 ? room / 2 / scale - (at + length / 2) : MARGIN / scale - at;
  return { scale, offset: [start(x, w, size.width), start(y, h, size.height)] };
}

export function showsAll({ scale, offset }: Look, content: Box | null, { width, height }: Size): boolean {
  if (!content) return true;
  const [x, y, w, h] = content;
  const left = (x + offset[0]) * scale;
  const top = (y + offset[1]) * scale;
  return left >= -0.5 && top >= -0.5 && left + w * scale <= width + 0.5 && top + h * scale <= height + 0.5;
}

export function applyLook(canvas: LGraphCanvas, { scale, offset }: Look): void {
  canvas.ds.min_scale = Math.min(0.1, scale);
  canvas.ds.scale = scale;
  canvas.ds.offset = [offset[0], offset[1]];
}

export function sameLook(a: Look, b: Look): boolean {
  return Math.abs(a.scale - b.scale) < 1e-6 && Math.abs(a.offset[0] - b.offset[0]) < 0.01 && Math.abs(a.offset[1] - b.offset[1]) < 0.01;
}

/** A view position read from a document; null where there is none that can be used. */
export function readLook(raw: unknown): Look | null {
  const saved = raw as { scale?: unknown; offset?: ArrayLike<unknown> } | null | undefined;
  const scale = Number(saved?.scale);
  const x = Number(saved?.offset?.[0]);
  const y = Number(saved?.offset?.[1]);
  return scale > 0.01 && scale < 20 && Number.isFinite(x) && Number.isFinite(y) ? { scale, offset: [x, y] } : null;
}

/** Remembers which positions were stored from a window of which size: only there they show what they showed. */
export class StoredLooks {
  #last = "";

  constructor(readonly storage: Pick<Storage, "getItem" | "setItem">) {}

  remember(look: Look, size: Size): void {
    const key = keyOf(look, size);
    if (key === this.#last) return;
    this.#last = key;
    try {
      this.storage.setItem(STORED_KEY, JSON.stringify([...this.#list().filter((old) => old !== key), key].slice(-STORED_MAX)));
    } catch {
      // a full or forbidden storage costs the position only
    }
  }

  has(look: Look, size: Size): boolean {
    return this.#list().includes(keyOf(look, size));
  }

  #list(): string[] {
    try {
      const list = JSON.parse(this.storage.getItem(STORED_KEY) ?? "[]") as unknown;
      return Array.isArray(list) ? (list as string[]) : [];
    } catch {
      return [];
    }
  }
}

function keyOf({ scale, offset }: Look, { width, height }: Size): string {
  return [scale.toFixed(4), offset[0].toFixed(1), offset[1].toFixed(1), width, height].join(" ");
}

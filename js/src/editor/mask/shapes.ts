// Areas that are filled at once: a rectangle, what a lasso encloses, what drawn lines enclose.

import { around, type Raster, type Rect, type Spot } from "./raster";
import { blended } from "./stroke";

export interface Ink {
  /** 0 … 1 */
  opacity: number;
  erase: boolean;
}

/** The corners of the rectangle between two places, as a polygon. */
export function rectangle(a: Spot, b: Spot): Spot[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** The pixels whose middle lies inside of a polygon (even-odd). Returns what changed; `before` is told of it first. */
export function fillPolygon(mask: Raster, corners: Spot[], ink: Ink, before: (rect: Rect) => void): Rect | null {
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  const rect = corners.length < 3 ? null : mask.clip({ x: left, y: top, w: Math.max(...xs) - left, h: Math.max(...ys) - top });
  if (!rect) return null;
  before(rect);
  for (let y = rect.y; y < rect.y + rect.h; y++) {
    const crossings = crossingsOf(corners, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(rect.x, Math.ceil((crossings[i] as number) - 0.5));
      const to = Math.min(rect.x + rect.w, Math.ceil((crossings[i + 1] as number) - 0.5));
      for (let at = y * mask.width + from; at < y * mask.width + to; at++) mask.data[at] = blended(mask.data[at] as number, ink.opacity, ink.erase);
    }
  }
  return rect;
}

/** Where the edges of a polygon cross a row, from left to right. */
function crossingsOf(corners: Spot[], y: number): number[] {
  const found: number[] = [];
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length] as Spot;
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  });
  return found.sort((a, b) => a - b);
}

/**
 * The connected area around a pixel: what is masked less than the ink masks, or, to erase, what is masked at all. Soft edges
 * of lines are filled up, so that no seam stays inside of them.
 */
export function fillArea(mask: Raster, spot: Spot, ink: Ink, before: (rect: Rect) => void): Rect | null {
  const { data, width, height } = mask;
  const [x, y] = [Math.floor(spot.x), Math.floor(spot.y)];
  if (x < 0 || y < 0 || x >= width || y >= height) return null;
  const value = Math.round(255 * ink.opacity);
  const open = ink.erase ? (old: number) => old > 0 : (old: number) => old < value - 4;
  const spans = spansAround(data, width, height, x, y, open);
  if (spans.length === 0) return null;
  const rect = spans.reduce<Rect | null>((sum, span) => around(sum, { x: span.from, y: span.y, w: span.to - span.from, h: 1 }), null) as Rect;
  before(rect);
  for (const { y: row, from, to } of spans) {
    for (let at = row * width + from; at < row * width + to; at++) data[at] = ink.erase ? blended(data[at] as number, ink.opacity, true) : value;
  }
  return rect;
}

interface Span {
  y: number;
  from: number;
  to: number;
}

/** The runs of open pixels that are connected with the one given. */
function spansAround(data: Uint8Array, width: number, height: number, x: number, y: number, open: (value: number) => boolean): Span[] {
  const seen = new Uint8Array(data.length);
  const isOpen = (at: number): boolean => seen[at] === 0 && open(data[at] as number);
  const spans: Span[] = [];
  const seeds = [y * width + x];
  for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
    if (!isOpen(seed)) continue;
    const row = Math.floor(seed / width);
    let from = seed;
    while (from > row * width && isOpen(from - 1)) from--;
    let to = seed + 1;
    while (to < (row + 1) * width && isOpen(to)) to++;
    seen.fill(1, from, to);
    spans.push({ y: row, from: from - row * width, to: to - row * width });
    for (const step of [-width, width]) {
      if (row + Math.sign(step) < 0 || row + Math.sign(step) >= height) continue;
      for (let at = from + step; at < to + step; at++) if (isOpen(at) && (at === from + step || !isOpen(at - 1))) seeds.push(at);
    }
  }
  return spans;
}

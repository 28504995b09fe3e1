// One stroke of the brush. Where it passes several times it counts once, at its strongest: the result does not depend on how
// many pointer events the browser sent.

import { around, Raster, type Rect, type Spot } from "./raster";

export interface Brush {
  /** Diameter in pixels of the picture. */
  size: number;
  /** 0 is soft from the middle on, 1 has a sharp edge; 0 … 1. */
  hardness: number;
  /** How much a stroke changes at most; 0 … 1. */
  opacity: number;
  erase: boolean;
}

/** How strongly a brush of this radius acts at a distance from its middle, 0 … 1; a sharp edge is one pixel wide. */
export function strength(distance: number, radius: number, hardness: number): number {
  const outer = radius + 0.5;
  const inner = Math.min(radius * hardness, radius - 0.5);
  const t = (outer - distance) / (outer - inner);
  if (t <= 0) return 0;
  return t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/** What becomes of a value of the mask where a tool acts with `amount`, 0 … 1. */
export function blended(value: number, amount: number, erase: boolean): number {
  return Math.round(erase ? value * (1 - amount) : value + (255 - value) * amount);
}

export class Stroke {
  private readonly before: Uint8Array;
  /** The strongest that the brush acted on each pixel. */
  private readonly most: Uint8Array;
  private last: (Spot & { radius: number }) | null = null;
  /** Everything the stroke has touched. */
  touched: Rect | null = null;

  constructor(
    private readonly mask: Raster,
    private readonly brush: Brush,
  ) {
    this.before = mask.data.slice();
    this.most = new Uint8Array(mask.data.length);
  }

  /** Goes on to a place, in pixels of the picture; `pressure` 0 … 1 thins the brush. Returns what changed. */
  to({ x, y }: Spot, pressure = 1): Rect | null {
    const radius = Math.max(0.5, (this.brush.size / 2) * pressure);
    const from = this.last ?? { x, y, radius };
    this.last = { x, y, radius };
    const reach = Math.max(radius, from.radius) + 1;
    const left = Math.min(x, from.x) - reach;
    const top = Math.min(y, from.y) - reach;
    const rect = this.mask.clip({ x: left, y: top, w: Math.max(x, from.x) + reach - left, h: Math.max(y, from.y) + reach - top });
    if (rect) this.draw(from, this.last, rect);
    this.touched = around(this.touched, rect);
    return rect;
  }

  /** The bytes of a rectangle as they were before the stroke. */
  readBefore(rect: Rect): Uint8Array {
    return new Raster(this.mask.width, this.mask.height, this.before).read(rect);
  }

  private draw(from: Spot & { radius: number }, to: Spot & { radius: number }, rect: Rect): void {
    const { hardness, opacity, erase } = this.brush;
    const { data, width } = this.mask;
    const [dx, dy, dr] = [to.x - from.x, to.y - from.y, to.radius - from.radius];
    const length2 = dx * dx + dy * dy;
    const reach2 = (Math.max(from.radius, to.radius) + 0.5) ** 2;
    for (let y = rect.y; y < rect.y + rect.h; y++) {
      const py = y + 0.5 - from.y;
      for (let x = rect.x; x < rect.x + rect.w; x++) {
        const at = y * width + x;
        if (this.most[at] === 255) continue;
        const px = x + 0.5 - from.x;
        const along = length2 === 0 ? 1 : Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
        const away2 = (px - along * dx) ** 2 + (py - along * dy) ** 2;
        if (away2 >= reach2) continue;
        const amount = Math.round(255 * strength(Math.sqrt(away2), from.radius + along * dr, hardness));
        if (amount <= (this.most[at] as number)) continue;
        this.most[at] = amount;
        data[at] = blended(this.before[at] as number, (amount / 255) * opacity, erase);
      }
    }
  }
}

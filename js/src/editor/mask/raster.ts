// A mask at the size of its picture: one byte a pixel, 255 where it is drawn, 0 where the picture stays as it is.

/** Pixels from (x, y), which belongs to it, to (x + w, y + h), which does not. */
export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Spot {
  x: number;
  y: number;
}

export class Raster {
  readonly data: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    data?: Uint8Array,
  ) {
    this.data = data ?? new Uint8Array(width * height);
  }

  get all(): Rect {
    return { x: 0, y: 0, w: this.width, h: this.height };
  }

  /** The part of a rectangle of any numbers that lies on the mask, in whole pixels; null where none does. */
  clip({ x, y, w, h }: Rect): Rect | null {
    const left = Math.max(0, Math.floor(x));
    const top = Math.max(0, Math.floor(y));
    const right = Math.min(this.width, Math.ceil(x + w));
    const bottom = Math.min(this.height, Math.ceil(y + h));
    return right > left && bottom > top ? { x: left, y: top, w: right - left, h: bottom - top } : null;
  }

  /** A copy of the bytes in a rectangle that lies on the mask, row by row. */
  read({ x, y, w, h }: Rect): Uint8Array {
    if (w === this.width) return this.data.slice(y * w, (y + h) * w);
    const bytes = new Uint8Array(w * h);
    for (let row = 0; row < h; row++) {
      const from = (y + row) * this.width + x;
      bytes.set(this.data.subarray(from, from + w), row * w);
    }
    return bytes;
  }

  write({ x, y, w, h }: Rect, bytes: Uint8Array): void {
    for (let row = 0; row < h; row++) this.data.set(bytes.subarray(row * w, (row + 1) * w), (y + row) * this.width + x);
  }

  invert(): void {
    const { data } = this;
    for (let i = 0; i < data.length; i++) data[i] = 255 - (data[i] as number);
  }
}

/** The smallest rectangle around both. */
export function around(a: Rect | null, b: Rect | null): Rect | null {
  if (!a || !b) return a ?? b;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
}

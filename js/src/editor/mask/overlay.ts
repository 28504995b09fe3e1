// The mask over the picture, in one colour. Changes of a frame are painted together.

import { around, type Raster, type Rect } from "./raster";

/** Some browsers have no canvas above this many pixels; larger pictures get one of every second, third … pixel. */
const MOST_PIXELS = 2 ** 24;
/** Painted at once, so that no second copy of a large picture is made. */
const BAND = 256;

export class Overlay {
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly step: number;
  private waiting: Rect | null = null;
  private frame = 0;

  constructor(
    private readonly mask: Raster,
    private color: string,
  ) {
    this.step = Math.ceil(Math.sqrt((mask.width * mask.height) / MOST_PIXELS));
    const [width, height] = [Math.ceil(mask.width / this.step), Math.ceil(mask.height / this.step)];
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.context = this.canvas.getContext("2d");
    this.paint(mask.all);
  }

  /** "#rrggbb" */
  setColor(color: string): void {
    if (color === this.color) return;
    this.color = color;
    this.changed(this.mask.all);
  }

  changed(rect: Rect | null): void {
    if (!rect) return;
    this.waiting = around(this.waiting, rect);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.waiting) this.paint(this.waiting);
      this.waiting = null;
    });
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.canvas.width = this.canvas.height = 0; // gives the memory back at once
  }

  private paint(rect: Rect): void {
    const { step, canvas } = this;
    const left = Math.floor(rect.x / step);
    const top = Math.floor(rect.y / step);
    const right = Math.min(canvas.width, Math.ceil((rect.x + rect.w) / step));
    const bottom = Math.min(canvas.height, Math.ceil((rect.y + rect.h) / step));
    for (let y = top; y < bottom; y += BAND) this.paintBand(left, y, right - left, Math.min(BAND, bottom - y));
  }

  private paintBand(left: number, top: number, width: number, height: number): void {
    if (!this.context || width < 1) return;
    const { step, mask } = this;
    const image = this.context.createImageData(width, height);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(this.color.slice(at, at + 2), 16)) as [number, number, number];
    let to = 0;
    for (let y = top; y < top + height; y++) {
      let from = y * step * mask.width + left * step;
      for (let x = 0; x < width; x++, from += step, to += 4) {
        image.data[to] = red;
        image.data[to + 1] = green;
        image.data[to + 2] = blue;
        image.data[to + 3] = mask.data[from] as number;
      }
    }
    this.context.putImageData(image, left, top);
  }
}

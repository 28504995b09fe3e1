// The picture with its mask, zoomed and moved, the brush's outline at the pointer, and the drawing on it.

import { h } from "../dom";
import type { Drawing } from "./drawing";
import { bindGestures } from "./gestures";
import type { Overlay } from "./overlay";
import { fitted, moved, resized, toPicture, zoomed, type Placing, type Size } from "./placing";
import type { Spot } from "./raster";
import { pixels, type ToolSettings } from "./tools";

export interface StagePorts {
  settings: ToolSettings;
  /** Zoom or drawing changed. */
  changed(): void;
}

const SVG = "http://www.w3.org/2000/svg";
/** From this scale on the pixels of the picture are shown as squares. */
const SQUARES = 4;

export class MaskStage {
  readonly element = h("div", { class: "cn-mask-stage", tabindex: "0", role: "application", "data-testid": "mask-stage", "aria-label": "Picture to mask" });
  /** Space is held. */
  holding = false;
  private readonly sheet: HTMLElement;
  private readonly ring = h("div", { class: "cn-mask-ring", hidden: true });
  private readonly outline = document.createElementNS(SVG, "svg");
  private readonly watch = new ResizeObserver(() => this.resize());
  private readonly size: Size;
  private room: Size = { width: 0, height: 0 };
  private placing: Placing = { scale: 1, left: 0, top: 0 };
  private pointer: Spot | null = null;
  private isFitted = true;

  constructor(
    image: HTMLImageElement,
    private readonly overlay: Overlay,
    private readonly drawing: Drawing,
    private readonly ports: StagePorts,
  ) {
    this.size = { width: image.naturalWidth, height: image.naturalHeight };
    image.draggable = false;
    image.alt = "";
    overlay.canvas.classList.add("cn-mask-canvas");
    overlay.canvas.dataset.testid = "mask-canvas";
    this.outline.classList.add("cn-mask-outline");
    this.sheet = h("div", { class: "cn-mask-sheet" }, image, overlay.canvas);
    this.element.append(this.sheet, this.ring);
    this.element.append(this.outline);
    bindGestures(this.element, () => this.holding, {
      begin: (spot, { pressure, erase, straight }) => this.act(() => {
        const { tool, opacity, hardness } = ports.settings;
        const brush = { size: this.brushSize, hardness, opacity, erase: erase || tool === "eraser" };
        drawing.begin(tool, brush, this.toPicture(spot), { pressure, straight });
      }),
      move: (spot, pressure) => this.act(() => drawing.move(this.toPicture(spot), pressure), false),
      end: () => this.act(() => drawing.end()),
      abort: () => this.act(() => drawing.abort()),
      pan: (dx, dy) => this.place(moved(this.placing, dx, dy, this.room, this.size)),
      zoom: (factor, about) => this.zoom(factor, about),
      hover: (spot) => {
        this.pointer = spot;
        this.drawRing();
      },
    });
    this.watch.observe(this.element);
  }

  get scale(): number {
    return this.placing.scale;
  }

  get longest(): number {
    return Math.max(this.size.width, this.size.height);
  }

  get brushSize(): number {
    return pixels(this.ports.settings.size, this.longest);
  }

  /** The tool or its size is another one now. */
  refresh(): void {
    this.element.classList.toggle("cn-panning", this.holding);
    this.element.dataset.tool = this.ports.settings.tool;
    this.drawRing();
    this.drawOutline();
  }

  fit(): void {
    this.place(fitted(this.room, this.size));
    this.isFitted = true;
  }

  zoom(factor: number, about: Spot = { x: this.room.width / 2, y: this.room.height / 2 }): void {
    this.place(zoomed(this.placing, factor, about, this.room, this.size));
  }

  destroy(): void {
    this.watch.disconnect();
    this.overlay.destroy();
  }

  private act(work: () => void, tell = true): void {
    work();
    this.drawOutline();
    if (tell) this.ports.changed();
  }

  private toPicture(spot: Spot): Spot {
    return toPicture(this.placing, spot);
  }

  private resize(): void {
    const before = this.room;
    this.room = { width: this.element.clientWidth, height: this.element.clientHeight };
    if (this.room.width === 0 || this.room.height === 0) return;
    if (this.isFitted) this.fit();
    else this.place(resized(this.placing, before, this.room, this.size));
  }

  private place(placing: Placing): void {
    this.placing = placing;
    this.isFitted = false;
    const { style } = this.sheet;
    style.width = `${this.size.width * placing.scale}px`;
    style.height = `${this.size.height * placing.scale}px`;
    style.transform = `translate(${placing.left}px, ${placing.top}px)`;
    this.sheet.classList.toggle("cn-squares", placing.scale >= SQUARES);
    this.drawRing();
    this.drawOutline();
    this.ports.changed();
  }

  /** A circle at the pointer as large as the brush. */
  private drawRing(): void {
    const { tool } = this.ports.settings;
    const shown = this.pointer !== null && !this.holding && (tool === "brush" || tool === "eraser");
    this.ring.hidden = !shown;
    if (!shown || !this.pointer) return;
    const size = Math.max(3, this.brushSize * this.placing.scale);
    const { style } = this.ring;
    style.width = style.height = `${size}px`;
    style.transform = `translate(${this.pointer.x - size / 2}px, ${this.pointer.y - size / 2}px)`;
  }

  private drawOutline(): void {
    const { scale, left, top } = this.placing;
    const points = this.drawing.outline.map(({ x, y }) => `${left + x * scale},${top + y * scale}`).join(" ");
    const shape = () => {
      const polygon = document.createElementNS(SVG, "polygon");
      polygon.setAttribute("points", points);
      return polygon;
    };
    this.outline.replaceChildren(...(points ? [shape(), shape()] : [])); // one light, one dark
  }
}

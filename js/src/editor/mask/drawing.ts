// What a press, a drag and a release do to the mask with each tool; every one of them is a step of its own in the history.

import { MaskHistory } from "./history";
import type { Raster, Rect, Spot } from "./raster";
import { fillArea, fillPolygon, rectangle } from "./shapes";
import { Stroke, type Brush } from "./stroke";
import type { Tool } from "./tools";

export class Drawing {
  private readonly history: MaskHistory;
  private action: { tool: Tool; brush: Brush; stroke: Stroke | null; spots: Spot[] } | null = null;
  private lastSpot: Spot | null = null;
  private steps = 0;

  constructor(
    readonly mask: Raster,
    private readonly changed: (rect: Rect | null) => void,
  ) {
    this.history = new MaskHistory(mask);
  }

  get canUndo(): boolean {
    return this.history.canUndo;
  }

  get canRedo(): boolean {
    return this.history.canRedo;
  }

  /** Whether there are steps since the picture was opened. */
  get edited(): boolean {
    return this.steps !== 0;
  }

  get busy(): boolean {
    return this.action !== null;
  }

  /** The outline that a drag has drawn so far. */
  get outline(): Spot[] {
    const { tool, spots } = this.action ?? { tool: "brush", spots: [] };
    if (tool === "rectangle") return rectangle(spots[0] as Spot, spots.at(-1) as Spot);
    return tool === "lasso" ? spots : [];
  }

  /** `straight` leads a line here from where the last stroke ended. */
  begin(tool: Tool, brush: Brush, spot: Spot, { pressure = 1, straight = false } = {}): void {
    this.abort();
    if (tool === "fill") {
      this.changed(fillArea(this.mask, spot, brush, (rect) => this.record(rect)));
      return;
    }
    const stroke = tool === "brush" || tool === "eraser" ? new Stroke(this.mask, brush) : null;
    this.action = { tool, brush, stroke, spots: [spot] };
    if (stroke && straight && this.lastSpot) this.changed(stroke.to(this.lastSpot, pressure));
    this.move(spot, pressure);
  }

  move(spot: Spot, pressure = 1): void {
    if (!this.action) return;
    const { stroke, spots } = this.action;
    if (stroke) this.changed(stroke.to(spot, pressure));
    else spots.push(spot);
    this.lastSpot = spot;
  }

  end(): void {
    const { stroke, brush } = this.action ?? {};
    const outline = this.outline;
    this.action = null;
    if (stroke?.touched) this.record(stroke.touched, stroke.readBefore(stroke.touched));
    else if (!stroke && brush) this.changed(fillPolygon(this.mask, outline, brush, (rect) => this.record(rect)));
  }

  /** The drag that goes on never was. */
  abort(): void {
    const { stroke } = this.action ?? {};
    this.action = null;
    if (!stroke?.touched) return;
    this.mask.write(stroke.touched, stroke.readBefore(stroke.touched));
    this.changed(stroke.touched);
  }

  clear(): void {
    this.whole(() => this.mask.data.fill(0));
  }

  invert(): void {
    this.whole(() => this.mask.invert());
  }

  undo(): void {
    this.abort();
    if (this.history.canUndo) this.steps--;
    this.changed(this.history.undo());
  }

  redo(): void {
    this.abort();
    if (this.history.canRedo) this.steps++;
    this.changed(this.history.redo());
  }

  private whole(work: () => void): void {
    this.abort();
    this.record(this.mask.all);
    work();
    this.changed(this.mask.all);
  }

  private record(rect: Rect, bytes?: Uint8Array): void {
    this.history.record(rect, bytes);
    this.steps++;
  }
}

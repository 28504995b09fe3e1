// Undo and redo of a mask: what each step changed, as it was before; the oldest steps go when they need too much memory.

import type { Raster, Rect } from "./raster";

interface Step {
  rect: Rect;
  bytes: Uint8Array;
}

const BUDGET = 256 * 2 ** 20;

export class MaskHistory {
  private past: Step[] = [];
  private future: Step[] = [];

  constructor(
    private readonly mask: Raster,
    private readonly budget = BUDGET,
  ) {}

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** A step that was made: `bytes` are those of the rectangle before it. */
  record(rect: Rect, bytes: Uint8Array = this.mask.read(rect)): void {
    this.past.push({ rect, bytes });
    this.future = [];
    let size = this.past.reduce((sum, step) => sum + step.bytes.length, 0);
    while (size > this.budget && this.past.length > 1) size -= (this.past.shift() as Step).bytes.length;
  }

  /** Returns what changed; null when there was nothing to undo. */
  undo(): Rect | null {
    return this.step(this.past, this.future);
  }

  redo(): Rect | null {
    return this.step(this.future, this.past);
  }

  private step(from: Step[], to: Step[]): Rect | null {
    const step = from.pop();
    if (!step) return null;
    to.push({ rect: step.rect, bytes: this.mask.read(step.rect) });
    this.mask.write(step.rect, step.bytes);
    return step.rect;
  }
}

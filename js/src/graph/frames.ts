// Draws a canvas only when something is dirty and somebody can see it, and keeps it as large as its element.
import { guardState, type StateGuard } from "./context-state";
import type { LGraphCanvas } from "./litegraph";

export interface FrameHooks {
  /** Before litegraph draws. */
  before(): void;
  /** After litegraph drew. */
  after(): void;
  failed(error: unknown): void;
  resized(): void;
}

export class FrameLoop {
  readonly state: StateGuard;
  #frame = 0;
  #drawing = false;
  #paused = false;
  #hidden = false;
  readonly #cleanups: (() => void)[] = [];

  constructor(readonly root: HTMLElement, readonly canvas: LGraphCanvas, readonly hooks: FrameHooks) {
    this.state = guardState(canvas.ctx);
    this.#drawOnDemand();
    this.#watchSize();
  }

  #drawOnDemand(): void {
    for (const name of ["dirty_canvas", "dirty_bgcanvas"] as const) {
      let dirty = true;
      Object.defineProperty(this.canvas, name, {
        configurable: true,
        get: () => dirty,
        set: (on: boolean) => {
          dirty = on;
          if (on && !this.#drawing) this.#schedule();
        },
      });
    }
    this.canvas.startRendering = () => undefined;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame || this.#paused || this.#hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#paused || this.#hidden || !this.root.isConnected) return;
      this.drawNow();
      if (this.canvas.dirty_canvas || this.canvas.dirty_bgcanvas) this.#schedule();
    });
  }

  drawNow(): void {
    const { canvas } = this;
    if (this.#drawing || (!canvas.dirty_canvas && !canvas.dirty_bgcanvas)) return;
    this.#drawing = true;
    try {
      this.hooks.before();
      // whatever a frame that failed left behind
      this.state.unwind(0);
      this.#toPixels();
      canvas.draw();
      this.hooks.after();
    } catch (error) {
      this.hooks.failed(error);
      canvas.dirty_canvas = canvas.dirty_bgcanvas = false;
    } finally {
      this.#drawing = false;
    }
  }

  #toPixels(): void {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.canvas.ctx.globalAlpha = 1;
  }

  #watchSize(): void {
    const resize = new ResizeObserver(() => this.resize());
    resize.observe(this.root);
    const seen = new IntersectionObserver((entries) => {
      this.#hidden = !entries.at(-1)?.isIntersecting;
      if (!this.#hidden) this.canvas.setDirty(true, true);
    });
    seen.observe(this.root);
    let media: MediaQueryList | null = null;
    const watchRatio = (): void => {
      media?.removeEventListener("change", watchRatio);
      media = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
      media.addEventListener("change", watchRatio);
      this.resize();
    };
    watchRatio();
    this.#cleanups.push(() => resize.disconnect(), () => seen.disconnect(), () => media?.removeEventListener("change", watchRatio));
  }

  resize(): void {
    const { canvas, root } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(root.clientWidth * ratio);
    const height = Math.round(root.clientHeight * ratio);
    if (!width || !height) return;
    for (const element of [canvas.canvas, canvas.bgcanvas]) {
      if (element.width === width && element.height === height) continue;
      element.width = width;
      element.height = height;
    }
    this.hooks.resized();
    canvas.setDirty(true, true);
    this.drawNow();
  }

  pause(on: boolean): void {
    this.#paused = on;
    this.canvas.pause_rendering = on;
    if (!on) this.canvas.setDirty(true, true);
  }

  stop(): void {
    this.pause(true);
    cancelAnimationFrame(this.#frame);
    this.canvas.stopRendering();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
  }
}

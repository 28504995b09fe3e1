// The box in the cell: its height, its handle, filling the window, and messages when there is no editor to show.

import { Signal } from "./signal";

const MIN_HEIGHT = 160;
const BOX = "position:relative;box-sizing:border-box;width:100%;overflow:hidden;border-radius:4px;";
// A popover is painted above the page whatever its ancestors clip or transform, and unlike a moved frame keeps running.
const FULL = "position:fixed;inset:0;box-sizing:border-box;width:100vw;height:100vh;max-width:none;max-height:none;margin:0;padding:0;border:0;overflow:hidden;z-index:2147483000;";
const NOTICE = "position:absolute;inset:0;display:flex;flex-direction:column;gap:8px;align-items:center;justify-content:center;padding:16px;text-align:center;font:13px/1.5 system-ui,sans-serif;white-space:pre-line;overflow:auto;z-index:2;";

export class Stage {
  readonly box = document.createElement("div");
  readonly fullSize = new Signal<boolean>();
  readonly resized = new Signal<number>();
  full = false;
  private readonly handle = document.createElement("div");
  private notice: HTMLElement | null = null;
  private height: number;
  private colors = "";
  private readonly onFullscreen = () => {
    if (!document.fullscreenElement && this.full) this.setFullSize(false);
  };

  /** The focus may be on the notebook that the editor covers. */
  private readonly onKey = (event: KeyboardEvent) => {
    if (!this.full || event.key !== "Escape" || this.box.contains(event.target as Node)) return;
    event.stopPropagation();
    this.setFullSize(false);
  };

  constructor(parent: HTMLElement, height: number) {
    this.height = height;
    this.box.className = "comfy-notebook-view";
    this.handle.className = "comfy-notebook-handle";
    this.handle.title = "Drag to change the height";
    this.handle.style.cssText = "position:absolute;left:0;right:0;bottom:0;height:6px;cursor:ns-resize;touch-action:none;z-index:3";
    this.handle.onpointerdown = (event) => this.drag(event);
    this.box.append(this.handle);
    this.layOut();
    parent.append(this.box);
    document.addEventListener("fullscreenchange", this.onFullscreen);
    document.addEventListener("keydown", this.onKey, true);
  }

  setHeight(pixels: number): void {
    if (!Number.isFinite(pixels)) return;
    this.height = Math.max(MIN_HEIGHT, Math.round(pixels));
    this.layOut();
  }

  setColors(background: string | undefined, foreground: string | undefined, dark: boolean): void {
    this.colors = `background:${background ?? (dark ? "#202020" : "#fff")};color:${foreground ?? (dark ? "#ddd" : "#222")};color-scheme:${dark ? "dark" : "light"};`;
    this.layOut();
    if (this.notice) this.notice.style.cssText = NOTICE + this.colors;
  }

  setFullSize(on: boolean): void {
    if (on === this.full) return;
    this.full = on;
    if (on && window !== window.top && document.fullscreenEnabled) {
      this.box.requestFullscreen().catch(() => this.layOut()); // in a host's frame, filling the frame is the next best
    } else if (document.fullscreenElement === this.box) void document.exitFullscreen().catch(() => {});
    this.layOut();
    this.fullSize.emit(on);
  }

  /** Show a message in place of the editor; plain text, one paragraph a line. `picture`: SVG to show below it. */
  say(text: string, again?: () => void, picture?: string): void {
    this.quiet();
    const notice = (this.notice = document.createElement("div"));
    notice.className = "comfy-notebook-notice";
    notice.setAttribute("role", "status");
    notice.style.cssText = NOTICE + this.colors;
    const message = document.createElement("div");
    message.textContent = text;
    notice.append(message);
    if (picture) {
      const image = document.createElement("img"); // as an image, nothing in it can act
      image.alt = "The graph";
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
      image.style.cssText = "flex:0 1 auto;min-height:0;max-width:100%;object-fit:contain";
      notice.append(image);
    }
    if (again) {
      const button = document.createElement("button");
      button.textContent = "Try again";
      button.onclick = again;
      notice.append(button);
    }
    this.box.append(notice);
  }

  quiet(): void {
    this.notice?.remove();
    this.notice = null;
  }

  dispose(): void {
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    document.removeEventListener("keydown", this.onKey, true);
    this.fullSize.clear();
    this.resized.clear();
    this.box.remove();
  }

  private layOut(): void {
    const { box, full } = this;
    box.style.cssText = (full ? FULL : `${BOX}height:${this.height}px;`) + this.colors;
    this.handle.hidden = full;
    const popover = full && document.fullscreenElement !== box && "showPopover" in box;
    if (!popover) return box.removeAttribute("popover");
    if (box.popover) return;
    box.popover = "manual";
    if (box.isConnected) box.showPopover();
  }

  private drag(start: PointerEvent): void {
    const from = this.height;
    const { handle } = this;
    start.preventDefault();
    handle.setPointerCapture(start.pointerId); // else the frame swallows the moves
    handle.onpointermove = (move) => this.setHeight(from + move.clientY - start.clientY);
    handle.onlostpointercapture = () => {
      handle.onpointermove = handle.onlostpointercapture = null;
      this.resized.emit(this.height);
    };
  }
}

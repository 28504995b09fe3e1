// ui/components/popup.js: a box that opens at an element and closes on a press outside or Escape.

import { prop } from "../observed";
import { applyClasses, type ClassList } from "../style-utils";
import { $el } from "../element";

export interface PopupOptions {
  target: HTMLElement;
  container?: HTMLElement;
  classList?: ClassList;
  /** A press on the target does not count as outside. */
  ignoreTarget?: boolean;
  closeOnEscape?: boolean;
  position?: "absolute" | "relative";
  horizontal?: "left" | "right";
}

/** Fires `open`, `close` and `change` (detail: whether it is open). */
export class ComfyPopup extends EventTarget {
  element = $el("div.comfyui-popup");
  declare open: boolean;
  declare children: HTMLElement[];
  declare target: HTMLElement;
  declare ignoreTarget: boolean;
  declare container: HTMLElement;
  declare position: string;
  declare closeOnEscape: boolean;
  declare horizontal: string;
  declare classList: ClassList;

  constructor(options: PopupOptions, ...children: HTMLElement[]) {
    super();
    const { target, container = document.body, classList = "", ignoreTarget = true, closeOnEscape = true, position = "absolute", horizontal = "left" } = options;
    this.target = target;
    this.ignoreTarget = ignoreTarget;
    this.container = container;
    this.position = position;
    this.closeOnEscape = closeOnEscape;
    this.horizontal = horizontal;
    container.append(this.element);
    prop(this, "children", children, () => {
      this.element.replaceChildren(...this.children);
      this.update();
    });
    prop(this, "classList", classList, () => applyClasses(this.element, this.classList, "comfyui-popup", this.horizontal));
    prop(this, "open", false, (on: boolean, before) => {
      if (before === undefined) return;
      if (on) this.show();
      else this.hide();
      this.dispatchEvent(new CustomEvent(on ? "open" : "close"));
      this.dispatchEvent(new CustomEvent("change", { detail: on }));
    });
  }

  toggle(): void {
    this.open = !this.open;
  }

  /** Places the box again; its size may have changed. */
  update = (): void => {
    const spot = this.target.getBoundingClientRect();
    const { style } = this.element;
    style.position = this.position === "absolute" ? "fixed" : "absolute";
    if (this.position !== "absolute") return;
    const box = this.element.getBoundingClientRect();
    const [width, height] = [document.documentElement.clientWidth, document.documentElement.clientHeight];
    const left = this.horizontal === "right" ? spot.right - box.width : spot.left;
    style.left = `${Math.max(4, Math.min(left, width - box.width - 4))}px`;
    style.top = `${spot.bottom}px`;
    style.maxHeight = `${Math.max(80, height - spot.bottom - 8)}px`;
  };

  private show(): void {
    this.element.classList.add("open");
    this.target.setAttribute("aria-expanded", "true");
    window.addEventListener("resize", this.update);
    document.addEventListener("pointerdown", this.pressed, true);
    if (this.closeOnEscape) document.addEventListener("keydown", this.key, true);
    this.update();
  }

  private hide(): void {
    this.element.classList.remove("open");
    this.target.setAttribute("aria-expanded", "false");
    window.removeEventListener("resize", this.update);
    document.removeEventListener("pointerdown", this.pressed, true);
    document.removeEventListener("keydown", this.key, true);
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (this.element.contains(document.activeElement)) this.target.focus();
    this.open = false;
  };

  private readonly pressed = (event: Event): void => {
    const path = event.composedPath();
    if (path.includes(this.element) || (this.ignoreTarget && path.includes(this.target))) return;
    this.open = false;
  };
}

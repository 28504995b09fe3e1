// Where packs' own elements stand in the toolbar: groups in a row while they fit it, else in a box under one button. Packs of
// the older API fill a menu that was a column (`app.ui.menuContainer`), those of the newer one append groups of buttons.

import { h, onPressOutside } from "../../editor/dom";
import { icon } from "../../editor/icons";

/** A group with elements higher than this does not fit into the toolbar. */
const ROW_HEIGHT = 40;
/** What the row may take of the toolbar's width. */
const SHARE = 0.4;

export class ToolbarStrip {
  private readonly row = h("div", { class: "cn-strip" });
  private readonly box = h("div", { class: "cn-strip-box", "data-closes": "", tabindex: "-1", hidden: true });
  private readonly button = h("button", { class: "cn-icon-button", type: "button", title: "Extensions", "aria-label": "Extensions", "aria-expanded": "false", "aria-haspopup": "true", hidden: true, onclick: () => this.toggle() }, icon("puzzle"));
  private readonly groups: HTMLElement[] = [];
  private readonly sizes = new ResizeObserver(() => this.soon());
  private readonly changes = new MutationObserver(() => this.soon());
  private stop: (() => void) | null = null;
  private pending = 0;

  constructor(
    private readonly root: HTMLElement,
    place: HTMLElement,
  ) {
    place.append(this.row, this.button, this.box);
    this.sizes.observe(root);
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.stopPropagation();
      this.toggle();
      this.button.focus();
    });
  }

  /** Groups in the order they stand; where there is no room, the last goes first. */
  add(...groups: HTMLElement[]): void {
    for (const group of groups) {
      group.classList.add("cn-strip-group");
      this.sizes.observe(group); // pictures load
      this.changes.observe(group, { childList: true, subtree: true, attributes: true, attributeFilter: ["style", "class", "hidden", "src"] });
    }
    this.groups.push(...groups);
    this.row.append(...groups);
    this.soon();
  }

  destroy(): void {
    this.stop?.();
    cancelAnimationFrame(this.pending);
    this.sizes.disconnect();
    this.changes.disconnect();
  }

  private get isOpen(): boolean {
    return !this.box.hidden;
  }

  private toggle(): void {
    const on = !this.isOpen;
    this.button.setAttribute("aria-expanded", String(on));
    this.box.hidden = !on;
    this.stop?.();
    this.stop = on ? onPressOutside(this.root, [this.box, this.button], () => this.toggle()) : null;
    if (!on) return this.soon();
    const stops = [...this.box.querySelectorAll<HTMLElement>("button, input, select, a[href]")];
    (stops.find((element) => element.tabIndex >= 0 && element.getBoundingClientRect().height > 0) ?? this.box).focus({ preventScroll: true });
  }

  private soon(): void {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      if (!this.isOpen) this.arrange(); // what is read should not jump away
    });
  }

  /** Measures all groups in the row, then folds what does not fit. */
  private arrange(): void {
    const folded = this.groups.filter((group) => group.parentElement === this.box);
    for (const group of folded) this.row.insertBefore(group, this.groups.slice(this.groups.indexOf(group) + 1).find((next) => next.parentElement === this.row) ?? null);
    const bar = this.root.querySelector(".cn-toolbar");
    const tooWide = () => this.row.scrollWidth > this.root.clientWidth * SHARE || (bar !== null && bar.scrollWidth > bar.clientWidth);
    const out = this.groups.filter((group) => shown(group).some((element) => element.getBoundingClientRect().height > ROW_HEIGHT));
    this.fold(out);
    for (const group of [...this.groups].reverse()) {
      if (!tooWide()) break;
      if (group.parentElement === this.row && shown(group).length > 0) this.fold([group]);
    }
    this.button.hidden = this.box.childElementCount === 0;
  }

  private fold(groups: HTMLElement[]): void {
    for (const group of groups) {
      const after = this.groups.slice(this.groups.indexOf(group) + 1).find((next) => next.parentElement === this.box);
      this.box.insertBefore(group, after ?? null);
    }
    this.button.hidden = this.box.childElementCount === 0; // it takes room too
  }
}

/** What packs put into a group, as far as it is to be seen. */
function shown(group: HTMLElement): Element[] {
  return [...group.children].filter((element) => element.getBoundingClientRect().height > 0 && element.getBoundingClientRect().width > 0);
}

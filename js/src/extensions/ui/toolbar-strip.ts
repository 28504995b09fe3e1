// Where packs' own elements stand in the toolbar: in a row while they fit it, else in a box under one button. Packs of the
// older API fill a menu that was a column (`app.ui.menuContainer`), those of the newer one append groups of buttons.

import { h, onPressOutside } from "../../editor/dom";
import { icon } from "../../editor/icons";

/** Elements higher than this do not fit into the toolbar. */
const ROW_HEIGHT = 40;
/** What a row may take of the toolbar's width. */
const SHARE = 0.45;

export class ToolbarStrip {
  readonly content = h("div", { class: "cn-strip" });
  private readonly button = h("button", { class: "cn-icon-button", type: "button", title: "Extensions", "aria-label": "Extensions", "aria-expanded": "false", "aria-haspopup": "true", hidden: true, onclick: () => this.toggle() }, icon("puzzle"));
  private readonly observers: { disconnect(): void }[] = [];
  private stop: (() => void) | null = null;
  private pending = 0;

  constructor(
    private readonly root: HTMLElement,
    place: HTMLElement,
  ) {
    place.append(this.content, this.button);
    const mutations = new MutationObserver((changes) => {
      if (changes.some(({ type, target }) => type !== "attributes" || target !== this.content)) this.soon();
    });
    mutations.observe(this.content, { childList: true, subtree: true, attributes: true, attributeFilter: ["style", "class", "hidden"] });
    const sizes = new ResizeObserver(() => this.soon());
    sizes.observe(root);
    this.observers.push(mutations, sizes);
    this.content.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen) return;
      event.stopPropagation();
      this.toggle();
      this.button.focus();
    });
    this.soon();
  }

  destroy(): void {
    this.stop?.();
    cancelAnimationFrame(this.pending);
    for (const observer of this.observers) observer.disconnect();
  }

  private get isOpen(): boolean {
    return this.button.getAttribute("aria-expanded") === "true";
  }

  private toggle(): void {
    const on = !this.isOpen;
    this.button.setAttribute("aria-expanded", String(on));
    this.content.classList.toggle("cn-open", on);
    this.stop?.();
    this.stop = on ? onPressOutside(this.root, [this.content, this.button], () => this.toggle()) : null;
    if (on) this.content.querySelector<HTMLElement>("button, input, select, a[href]")?.focus({ preventScroll: true });
  }

  private soon(): void {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.arrange();
    });
  }

  /** Measures the row and folds it when it does not fit. */
  private arrange(): void {
    const { content } = this;
    if (this.isOpen && visibleLeaves(content).length > 0) return; // what is read should not jump away
    content.hidden = false;
    content.classList.remove("cn-folded");
    const leaves = visibleLeaves(content);
    const wide = content.scrollWidth > this.root.clientWidth * SHARE || content.scrollWidth > content.clientWidth + 1;
    const high = leaves.some((element) => element.getBoundingClientRect().height > ROW_HEIGHT);
    content.classList.toggle("cn-folded", wide || high);
    content.hidden = leaves.length === 0;
    this.button.hidden = !(wide || high) || leaves.length === 0;
    if (this.button.hidden && this.isOpen) this.toggle();
  }
}

/** The elements that packs put into the groups of the strip and that are shown. */
function visibleLeaves(content: HTMLElement): Element[] {
  const shown = (element: Element) => element.getBoundingClientRect().height > 0 && element.getBoundingClientRect().width > 0;
  return [...content.querySelectorAll(":scope > .cn-strip-group > *, :scope > :not(.cn-strip-group)")].filter(shown);
}

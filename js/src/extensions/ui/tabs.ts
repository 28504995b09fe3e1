// Tabs of packs: the sidebar beside the canvas and the panel below it. Neither is there before a pack brings one.

import { h } from "../../editor/dom";
import { icon } from "../../editor/icons";
import { guarded, textOf } from "./guard";
import { iconElement } from "./icons";
import type { TabDefinition } from "./types";

/** Renders tabs into one place; a tab keeps its element while it is registered, so that it keeps its state. */
class TabSet {
  readonly tabs: TabDefinition[] = [];
  active: TabDefinition | null = null;
  private readonly bodies = new Map<TabDefinition, HTMLElement>();

  constructor(
    private readonly place: HTMLElement,
    private readonly changed: () => void,
  ) {}

  add(tab: TabDefinition): void {
    if (!tab?.id) throw new Error("A tab needs an id.");
    this.remove(tab.id);
    this.tabs.push(tab);
    this.changed();
  }

  remove(id: string): void {
    const at = this.tabs.findIndex((tab) => tab.id === id);
    const tab = this.tabs[at];
    if (!tab) return;
    if (this.active === tab) this.show(null);
    this.bodies.get(tab)?.remove();
    this.bodies.delete(tab);
    this.tabs.splice(at, 1);
    this.changed();
  }

  find(id: string): TabDefinition | undefined {
    return this.tabs.find((tab) => tab.id === id);
  }

  show(tab: TabDefinition | null): void {
    const before = this.active;
    if (before === tab) return;
    this.active = tab;
    if (before) {
      this.bodies.get(before)?.remove();
      guarded(`tab ${before.id}`, () => before.destroy?.());
      if (before.destroy) this.bodies.delete(before);
    }
    if (tab) this.fill(tab);
    this.changed();
  }

  private fill(tab: TabDefinition): void {
    const made = this.bodies.get(tab);
    const body = made ?? h("div", { class: "cn-tab-body" });
    this.bodies.set(tab, body);
    this.place.replaceChildren(body); // in the page before it is rendered: packs measure it
    if (made) return;
    if (typeof tab.render === "function") guarded(`tab ${tab.id}`, () => tab.render?.(body));
    else body.append(h("div", { class: "cn-empty" }, h("strong", {}, "Nothing to show"), h("span", {}, `The pack gave this tab no render function${tab.type === "custom" || !tab.type ? "" : ` (its type is “${tab.type}”)`}.`)));
  }
}

const MIN_WIDTH = 180;
const MIN_HEIGHT = 80;

/** A rail of icons at the left and the open tab beside it. */
export class Sidebar {
  private readonly list = h("div", { class: "cn-rail-tabs", role: "tablist", "aria-orientation": "vertical", "aria-label": "Sidebar" });
  /** Packs append here too; the style sheet shows it as soon as there is anything in it. */
  private readonly rail = h("div", { class: "cn-rail side-tool-bar-container" }, this.list);
  private readonly title = h("h2", {});
  private readonly body = h("div", { class: "cn-side-body" });
  private readonly panel: HTMLElement;
  private readonly set: TabSet;
  readonly element: HTMLElement;

  constructor(
    place: HTMLElement,
    private readonly closed: () => void,
  ) {
    const handle = h("div", { class: "cn-side-handle", role: "separator", "aria-orientation": "vertical", "aria-label": "Width of the sidebar", tabindex: "0" });
    this.panel = h("section", { class: "cn-side-panel", "data-closes": "", hidden: true },
      h("header", {}, this.title, h("span", { class: "cn-spacer" }), h("button", { class: "cn-icon-button cn-small", title: "Close", "aria-label": "Close the sidebar", onclick: () => this.close() }, icon("close"))),
      this.body, handle);
    this.element = h("div", { class: "cn-sidebar" }, this.rail, this.panel);
    this.set = new TabSet(this.body, () => this.draw());
    resizable(handle, (x, _, start) => { this.panel.style.width = `${Math.max(MIN_WIDTH, start.width + x)}px`; }, this.panel);
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.stopPropagation();
      this.close();
    });
    place.append(this.element);
  }

  get tabs(): readonly TabDefinition[] {
    return this.set.tabs;
  }

  get active(): TabDefinition | null {
    return this.set.active;
  }

  add = (tab: TabDefinition): void => this.set.add(tab);
  remove = (id: string): void => this.set.remove(id);

  toggle(id: string): void {
    const tab = this.set.find(id);
    this.set.show(tab && tab !== this.set.active ? tab : null);
  }

  private close(): void {
    const id = this.set.active?.id;
    this.set.show(null);
    this.rail.querySelector<HTMLElement>(`[data-tab="${CSS.escape(id ?? "")}"]`)?.focus({ preventScroll: true });
    if (!this.element.contains(document.activeElement)) this.closed();
  }

  private draw(): void {
    const { tabs, active } = this.set;
    const focused = this.rail.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.tab : undefined;
    this.list.replaceChildren(...tabs.map((tab) => this.button(tab, tab === active)));
    if (focused !== undefined) this.rail.querySelector<HTMLElement>(`[data-tab="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.panel.hidden = !active;
    this.title.textContent = active ? titleOf(active) : "";
    this.panel.setAttribute("aria-label", this.title.textContent);
  }

  private button(tab: TabDefinition, on: boolean): HTMLElement {
    const badge = textOf(`tab ${tab.id}`, tab.iconBadge);
    const label = titleOf(tab);
    return h("button", { class: `cn-rail-button side-bar-button ${tab.id}-tab-button`, type: "button", role: "tab", "data-tab": tab.id, "aria-selected": String(on), title: tab.tooltip || label, "aria-label": label, onclick: () => this.toggle(tab.id) },
      iconElement(textOf(`tab ${tab.id}`, tab.icon), label), badge !== "" && h("span", { class: "cn-rail-badge" }, badge));
  }
}

/** The panel below the canvas: its tabs in a row, one open. */
export class BottomPanel {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "cn-bottom-tabs", role: "tablist", "aria-label": "Bottom panel" });
  private readonly body = h("div", { class: "cn-bottom-body", role: "tabpanel" });
  private readonly set: TabSet;
  private last: TabDefinition | null = null;

  constructor(
    place: HTMLElement,
    private readonly changed: (panel: BottomPanel) => void,
  ) {
    const handle = h("div", { class: "cn-bottom-handle", role: "separator", "aria-orientation": "horizontal", "aria-label": "Height of the bottom panel", tabindex: "0" });
    this.element = h("section", { class: "cn-bottom-panel", "aria-label": "Bottom panel", hidden: true }, handle,
      h("header", {}, this.list, h("span", { class: "cn-spacer" }), h("button", { class: "cn-icon-button cn-small", title: "Close", "aria-label": "Close the bottom panel", onclick: () => this.toggle() }, icon("close"))),
      this.body);
    this.set = new TabSet(this.body, () => this.draw());
    resizable(handle, (_, y, start) => { this.element.style.height = `${Math.max(MIN_HEIGHT, start.height - y)}px`; }, this.element);
    place.append(this.element);
  }

  get tabs(): readonly TabDefinition[] {
    return this.set.tabs;
  }

  get isOpen(): boolean {
    return this.set.active !== null;
  }

  add = (tab: TabDefinition): void => this.set.add(tab);
  remove = (id: string): void => this.set.remove(id);

  /** Opens with the tab that was open last, or closes. */
  toggle(id?: string): void {
    const tab = id === undefined ? undefined : this.set.find(id);
    if (tab) return this.set.show(tab === this.set.active ? null : tab);
    this.last = this.set.active ?? this.last;
    this.set.show(this.set.active ? null : (this.set.tabs.find((known) => known === this.last) ?? this.set.tabs[0] ?? null));
  }

  private draw(): void {
    const { tabs, active } = this.set;
    this.element.hidden = !active;
    this.list.replaceChildren(...tabs.map((tab) => {
      const on = tab === active;
      return h("button", { class: "cn-bottom-tab", type: "button", role: "tab", "aria-selected": String(on), onclick: () => this.set.show(tab) }, titleOf(tab));
    }));
    this.changed(this);
  }
}

const titleOf = (tab: TabDefinition): string => textOf(`tab ${tab.id}`, tab.title) || tab.tooltip || tab.id;

/** Dragging the handle, or arrow keys on it, tell how far from the start. */
function resizable(handle: HTMLElement, size: (x: number, y: number, start: DOMRect) => void, box: HTMLElement): void {
  handle.addEventListener("pointerdown", (down) => {
    const start = box.getBoundingClientRect();
    down.preventDefault();
    handle.setPointerCapture(down.pointerId);
    handle.onpointermove = (move) => size(move.clientX - down.clientX, move.clientY - down.clientY, start);
    handle.onlostpointercapture = () => { handle.onpointermove = null; };
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-16, 0], ArrowRight: [16, 0], ArrowUp: [0, -16], ArrowDown: [0, 16] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    size(step[0] as number, step[1] as number, box.getBoundingClientRect());
  });
}

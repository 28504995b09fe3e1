// The node search: a box over the canvas to find a node type by name, class, category or alias and add it.

import { h, onPressOutside } from "./dom";
import { icon } from "./icons";
import type { Hit, NodeIndex, TypeFilter } from "./node-index";

export interface SearchRequest {
  /** Where the box opens, in client pixels; the middle of the editor without it. */
  client?: { x: number; y: number };
  filter?: TypeFilter;
  onPick(type: string): void;
  onClose?(): void;
}

const RECENT_KEY = "cn.recent-nodes";
const RECENT_LIMIT = 12;

export class NodeSearch {
  private box: HTMLElement | null = null;
  private hits: Hit[] = [];
  private active = 0;
  private request: SearchRequest | null = null;
  private input!: HTMLInputElement;
  private list!: HTMLElement;
  private count!: HTMLElement;
  private stop: (() => void) | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly index: NodeIndex,
    private readonly storage: Pick<Storage, "getItem" | "setItem">,
    private readonly onClosed: () => void,
  ) {}

  get isOpen(): boolean {
    return this.box !== null;
  }

  open(request: SearchRequest): void {
    this.close();
    this.request = request;
    this.input = h("input", {
      class: "cn-search-input", type: "text", placeholder: "Search nodes…", spellcheck: "false", autocomplete: "off", role: "combobox",
      "aria-expanded": "true", "aria-controls": "cn-search-list", "aria-autocomplete": "list", "aria-label": "Search nodes",
      oninput: () => this.update(), onkeydown: (event: KeyboardEvent) => this.key(event),
    });
    this.list = h("div", { class: "cn-search-list", id: "cn-search-list", role: "listbox", "aria-label": "Nodes" });
    this.count = h("span", { class: "cn-search-count", "aria-live": "polite" });
    this.box = h("div", { class: "cn-popover cn-search", role: "dialog", "aria-label": "Add a node" },
      h("div", { class: "cn-search-head" }, icon("search"), this.input, this.filterChip(request.filter)),
      this.list,
      h("div", { class: "cn-search-foot" }, this.count, h("span", {}, "↑↓ choose · Enter add · Esc close")));
    this.root.append(this.box);
    this.place(request.client);
    this.stop = onPressOutside(this.root, [this.box], () => this.close());
    this.update();
    this.input.focus({ preventScroll: true });
  }

  close(): void {
    if (!this.box) return;
    this.box.remove();
    this.box = null;
    this.stop?.();
    const { request } = this;
    this.request = null;
    request?.onClose?.();
    this.onClosed();
  }

  /** Node types came, changed or went: an open list follows. */
  refresh(): void {
    if (this.box) this.update(true);
  }

  private filterChip(filter: TypeFilter | undefined): HTMLElement | null {
    if (!filter) return null;
    const label = `${filter.fromInput ? "gives" : "takes"} ${filter.type}`;
    return h("button", {
      class: "cn-chip", title: "Show all nodes", "aria-label": `Only nodes whose slot ${label}. Show all nodes instead`,
      onclick: (event: Event) => {
        if (this.request) delete this.request.filter;
        (event.currentTarget as HTMLElement).remove();
        this.update();
        this.input.focus();
      },
    }, label, icon("close"));
  }

  private place(client: SearchRequest["client"]): void {
    if (!this.box) return;
    const frame = this.root.getBoundingClientRect();
    const width = Math.min(440, frame.width - 16);
    const height = Math.min(400, frame.height - 16);
    const x = client ? client.x - frame.left : (frame.width - width) / 2;
    const y = client ? client.y - frame.top : Math.max(8, frame.height * 0.15);
    Object.assign(this.box.style, {
      width: `${width}px`, maxHeight: `${height}px`,
      left: `${Math.max(8, Math.min(x, frame.width - width - 8))}px`, top: `${Math.max(8, Math.min(y, frame.height - height - 8))}px`,
    });
  }

  private update(keepActive = false): void {
    const filter = this.request?.filter;
    const before = this.hits[this.active]?.item.type;
    this.hits = this.index.search(this.input.value, { ...(filter && { filter }), recent: this.recent() });
    this.active = keepActive ? Math.max(0, this.hits.findIndex((hit) => hit.item.type === before)) : 0;
    const recent = this.input.value.trim() === "" ? new Set(this.recent()) : new Set<string>();
    const titles = this.hits.map((hit) => hit.item.title.text);
    const twice = new Set(titles.filter((title, index) => titles.indexOf(title) !== index));
    this.list.replaceChildren(...this.hits.map((hit, index) => this.row(hit, index, recent.has(hit.item.type), twice.has(hit.item.title.text))));
    if (this.hits.length === 0) this.list.append(this.emptyState(filter));
    this.count.textContent = this.hits.length >= 100 ? "first 100" : `${this.hits.length} ${this.hits.length === 1 ? "node" : "nodes"}`;
    this.highlight();
  }

  private emptyState(filter: TypeFilter | undefined): HTMLElement {
    const what = this.index.size === 0 ? "No nodes are registered yet." : `No node matches “${this.input.value.trim()}”.`;
    const hint = filter ? `Only nodes that ${filter.fromInput ? "give" : "take"} ${filter.type} are shown.` : "Try part of a name, a category, or initials such as “ks”.";
    return h("div", { class: "cn-empty" }, h("strong", {}, what), h("span", {}, hint));
  }

  /** `twice`: other nodes have the same title, so the class name is shown too. */
  private row(hit: Hit, index: number, recent: boolean, twice: boolean): HTMLElement {
    const { item } = hit;
    const subtitle = hit.via && hit.via.text !== item.category.text ? marked(hit.via.text, hit.via.at) : twice ? item.type : null;
    const row = h("div", {
      class: "cn-search-row", role: "option", id: `cn-search-${index}`, title: item.description || item.type,
      onpointermove: () => this.setActive(index, false), onclick: () => this.pick(item.type),
    },
      h("div", { class: "cn-search-name" }, marked(item.title.text, hit.title), subtitle && h("span", { class: "cn-search-via" }, subtitle)),
      h("div", { class: "cn-search-meta" },
        recent && h("span", { class: "cn-badge" }, "recent"), item.source && h("span", { class: "cn-badge" }, item.source.text),
        item.deprecated && h("span", { class: "cn-badge cn-badge-warn" }, "deprecated"),
        h("span", { class: "cn-search-category" }, item.category.text.replaceAll("/", " › "))));
    return row;
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) this.setActive(this.wrap(this.active + step, Math.abs(step) === 1), true);
    else if (event.key === "Enter" && !event.isComposing) {
      const hit = this.hits[this.active];
      if (hit) this.pick(hit.item.type);
    } else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private wrap(index: number, around: boolean): number {
    const count = this.hits.length;
    return around ? (index + count) % Math.max(count, 1) : Math.max(0, Math.min(index, count - 1));
  }

  private setActive(index: number, scroll: boolean): void {
    this.active = index;
    this.highlight();
    if (scroll) this.list.children[index]?.scrollIntoView({ block: "nearest" });
  }

  private highlight(): void {
    [...this.list.children].forEach((row, index) => {
      row.classList.toggle("cn-active", index === this.active);
      if (row.getAttribute("role") === "option") row.setAttribute("aria-selected", String(index === this.active));
    });
    if (this.hits.length > 0) this.input.setAttribute("aria-activedescendant", `cn-search-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private pick(type: string): void {
    const { request } = this;
    const recent = [type, ...this.recent().filter((other) => other !== type)].slice(0, RECENT_LIMIT);
    this.storage.setItem(RECENT_KEY, JSON.stringify(recent));
    if (request) delete request.onClose;
    this.close();
    request?.onPick(type);
  }

  private recent(): string[] {
    try {
      const list: unknown = JSON.parse(this.storage.getItem(RECENT_KEY) ?? "[]");
      return Array.isArray(list) ? list.map(String) : [];
    } catch {
      return [];
    }
  }
}

/** The text with its matched characters in <mark>. */
function marked(text: string, at: number[]): HTMLElement {
  const hit = new Set(at);
  const span = h("span", {});
  for (let from = 0; from < text.length; ) {
    let to = from + 1;
    while (to < text.length && hit.has(to) === hit.has(from)) to++;
    const part = text.slice(from, to);
    span.append(hit.has(from) ? h("mark", {}, part) : part);
    from = to;
  }
  return span;
}

// The settings in one dialog of pages: the editor's own, and those that others add (packs' settings, the packs themselves).

import { h, trapFocus } from "./dom";
import { icon } from "./icons";

export interface SettingsPage {
  id: string;
  title: string;
  /** Pages of one group stand together under its name. */
  group?: string;
  /** Rows of class `cn-setting` are what the search field finds. */
  render(): HTMLElement;
}

export class SettingsDialog {
  private readonly sources: (() => SettingsPage[])[] = [];
  private backdrop: HTMLElement | null = null;
  private before: Element | null = null;
  private chosen = "";

  constructor(private readonly root: HTMLElement) {}

  get isOpen(): boolean {
    return this.backdrop !== null;
  }

  /** `pages` is asked each time the dialog opens. */
  addPages(pages: () => SettingsPage[]): void {
    this.sources.push(pages);
  }

  open(id?: string): void {
    if (this.isOpen) this.close();
    const pages = this.sources.flatMap((source) => source());
    this.before = document.activeElement;
    this.chosen = id ?? this.chosen;
    this.backdrop = this.build(pages);
    this.root.append(this.backdrop);
    (this.backdrop.querySelector<HTMLElement>('[aria-selected="true"]') ?? this.backdrop).focus({ preventScroll: true });
  }

  close(): void {
    if (!this.backdrop) return;
    this.backdrop.remove();
    this.backdrop = null;
    if (this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
    this.before = null;
  }

  private build(pages: SettingsPage[]): HTMLElement {
    const content = h("div", { class: "cn-settings-content", role: "tabpanel", tabindex: "0" });
    const nav = h("div", { class: "cn-settings-nav", role: "tablist", "aria-orientation": "vertical", "aria-label": "Settings", onkeydown: (event: KeyboardEvent) => walk(event, nav) });
    const show = (page: SettingsPage | undefined) => {
      if (!page) return;
      this.chosen = page.id;
      for (const tab of nav.querySelectorAll<HTMLElement>("[role=tab]")) {
        const on = tab.dataset.page === page.id;
        tab.setAttribute("aria-selected", String(on));
        tab.tabIndex = on ? 0 : -1;
        if (on) tab.scrollIntoView?.({ block: "nearest", inline: "nearest" });
      }
      content.setAttribute("aria-label", page.title);
      content.replaceChildren(h("h3", {}, page.title), page.render());
      content.scrollTop = 0;
    };
    let group: string | undefined;
    for (const page of pages) {
      if (page.group !== group) nav.append(h("div", { class: "cn-settings-group", role: "presentation" }, page.group ?? ""));
      group = page.group;
      nav.append(h("button", { role: "tab", type: "button", "data-page": page.id, "aria-selected": "false", tabindex: "-1", title: page.title, onclick: () => { search.value = ""; show(page); } }, page.title));
    }
    const search = h("input", { class: "cn-input", type: "search", placeholder: "Search", "aria-label": "Search settings", oninput: () => {
      const words = search.value.trim().toLowerCase();
      if (words) this.find(words, pages, content, nav);
      else show(pages.find(({ id }) => id === this.chosen) ?? pages[0]);
    } });
    const close = h("button", { class: "cn-icon-button p-dialog-close-button", type: "button", title: "Close (Esc)", "aria-label": "Close", onclick: () => this.close() }, icon("close"));
    const dialog = h("div", { class: "cn-dialog cn-settings", role: "dialog", "aria-modal": "true", "aria-label": "Settings", onkeydown: (event: KeyboardEvent) => this.key(event) },
      h("header", {}, h("h2", {}, "Settings"), search, close), h("div", { class: "cn-settings-body" }, nav, content));
    trapFocus(dialog);
    show(pages.find((page) => page.id === this.chosen) ?? pages[0]);
    const backdrop = h("div", { class: "cn-backdrop", onpointerdown: (event: Event) => { if (event.target === backdrop) this.close(); } }, dialog);
    return backdrop;
  }

  /** Rows of all pages that hold the words. */
  private find(words: string, pages: SettingsPage[], content: HTMLElement, nav: HTMLElement): void {
    for (const tab of nav.querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", "false");
    const found = pages.flatMap((page) => {
      const body = page.render();
      const inTitle = page.title.toLowerCase().includes(words);
      const rows = [...body.querySelectorAll<HTMLElement>(".cn-setting")];
      for (const row of rows) row.hidden = !inTitle && !`${row.textContent} ${row.dataset.id ?? ""}`.toLowerCase().includes(words);
      for (const section of body.querySelectorAll<HTMLElement>("section")) section.hidden = section.querySelector(".cn-setting:not([hidden])") === null;
      return rows.some((row) => !row.hidden) ? [h("h3", {}, page.title), body] : [];
    });
    content.replaceChildren(...(found.length > 0 ? found : [h("div", { class: "cn-empty" }, h("strong", {}, "No setting found"), h("span", {}, "Try another word."))]));
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }
}

/** Arrow keys walk the tabs and show their pages. */
function walk(event: KeyboardEvent, nav: HTMLElement): void {
  const tabs = [...nav.querySelectorAll<HTMLElement>("[role=tab]")];
  const at = tabs.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  const tab = tabs[(to + tabs.length) % tabs.length];
  tab?.focus();
  tab?.click();
  event.preventDefault();
}

/** One row: what it is called and its input. `note` says more below the name. */
export function settingRow(label: string | HTMLElement, input: HTMLElement, note: { text?: string | undefined; id?: string; badge?: string | undefined } = {}): HTMLElement {
  const name = h("span", { class: "cn-setting-name" }, label, note.badge && h("span", { class: "cn-badge" }, note.badge));
  const words = h("span", { class: "cn-setting-words" }, name, note.text && h("span", { class: "cn-setting-note" }, note.text));
  const field = input.matches("input, select, textarea");
  if (field && !input.hasAttribute("aria-label")) input.setAttribute("aria-label", typeof label === "string" ? label : (label.textContent ?? ""));
  return h(field ? "label" : "div", { class: "cn-setting", "data-id": note.id }, words, input);
}

// Messages to the person: toasts, and dialogs that ask (window.alert and prompt are refused in sandboxed frames).

import { h, trapFocus } from "./dom";
import { icon } from "./icons";
import type { Severity } from "../graph";

const LIFE_MS: Record<Severity, number> = { info: 4000, success: 3000, warning: 7000, error: 10000 };
const MAX_TOASTS = 4;

export class Toasts {
  private readonly stack = h("div", { class: "cn-toasts", role: "status", "aria-live": "polite" });
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(root: HTMLElement) {
    root.append(this.stack);
  }

  /** Returns what takes the message away. `life` null: it stays until it is closed. */
  show(severity: Severity, summary: string, detail = "", { life = LIFE_MS[severity], closable = true }: { life?: number | null; closable?: boolean } = {}): () => void {
    const same = [...this.stack.children].find((toast) => toast.getAttribute("data-text") === `${summary}\n${detail}`);
    same?.remove();
    const symbol = severity === "success" ? "check" : severity === "info" ? "info" : "warning";
    const toast = h("div", { class: `cn-toast cn-${severity}`, "data-text": `${summary}\n${detail}`, role: severity === "error" ? "alert" : undefined },
      icon(symbol),
      h("div", { class: "cn-toast-text" }, h("strong", {}, summary), detail && h("span", {}, detail)),
      closable && h("button", { class: "cn-icon-button cn-small", "aria-label": "Dismiss", onclick: () => toast.remove() }, icon("close")));
    this.stack.append(toast);
    while (this.stack.children.length > MAX_TOASTS) this.stack.firstElementChild?.remove();
    if (life === null) return () => toast.remove();
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      toast.remove();
    }, life);
    this.timers.add(timer);
    return () => toast.remove();
  }

  destroy(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }
}

interface DialogOptions {
  title: string;
  text?: string;
  /** A list below the text, such as the files that are concerned. */
  items?: string[];
  confirm?: string;
  cancel?: string;
  /** A third answer beside the two. */
  deny?: string;
  danger?: boolean;
}

export class Dialogs {
  private open: { close: () => void } | null = null;

  constructor(private readonly root: HTMLElement) {}

  get isOpen(): boolean {
    return this.open !== null;
  }

  async confirm(options: DialogOptions): Promise<boolean> {
    return (await this.show(options, null, () => "")) !== null;
  }

  /** true, false for `deny`, null when dismissed. `hint` stands below the items. */
  async ask(options: DialogOptions & { hint?: string }): Promise<boolean | null> {
    let denied = false;
    const hint = options.hint ? h("p", { class: "cn-hint" }, options.hint) : null;
    const result = await this.show(options, hint, () => "", true, () => { denied = true; });
    return result !== null ? true : denied ? false : null;
  }

  /** The text, or null when cancelled. `choices` makes it a choice. */
  prompt(options: DialogOptions & { value?: string; choices?: string[]; multiline?: boolean }): Promise<string | null> {
    const { value = "", choices, multiline } = options;
    const props = { class: "cn-input", "aria-label": options.title };
    const field = choices ? h("select", props, ...choices.map((choice) => h("option", { value: choice, selected: choice === value }, choice)))
      : multiline ? h("textarea", { ...props, rows: 5, value }) : h("input", { ...props, type: "text", value });
    return this.show(options, field, () => field.value);
  }

  /** Something to read. */
  async info(title: string, body: HTMLElement): Promise<void> {
    await this.show({ title, confirm: "Close" }, body, () => "", false);
  }

  close(): void {
    this.open?.close();
  }

  private show(options: DialogOptions, body: HTMLElement | null, answer: () => string, cancel = true, denied: () => void = () => undefined): Promise<string | null> {
    this.close();
    const before = document.activeElement;
    return new Promise((resolve) => {
      const finish = (value: string | null) => {
        backdrop.remove();
        this.open = null;
        if (before instanceof HTMLElement) before.focus({ preventScroll: true });
        resolve(value);
      };
      const accept = h("button", { class: `cn-button ${options.danger ? "cn-danger" : "cn-primary"}`, type: "submit" }, options.confirm ?? "OK");
      const form = h("form", { class: "cn-dialog", role: "dialog", "aria-modal": "true", "aria-label": options.title,
        onsubmit: (event: Event) => { event.preventDefault(); finish(answer()); },
        onkeydown: (event: KeyboardEvent) => { if (event.key === "Escape") finish(null); },
      },
        h("h2", {}, options.title), options.text && h("p", {}, options.text),
        options.items && options.items.length > 0 && h("ul", { class: "cn-dialog-items", tabindex: "0" }, ...options.items.map((item) => h("li", {}, item))), body,
        h("div", { class: "cn-dialog-buttons" }, cancel && h("button", { class: "cn-button", type: "button", onclick: () => finish(null) }, options.cancel ?? "Cancel"),
          options.deny && h("button", { class: "cn-button", type: "button", onclick: () => { denied(); finish(null); } }, options.deny), accept));
      trapFocus(form);
      const backdrop = h("div", { class: "cn-backdrop", onpointerdown: (event: Event) => { if (event.target === backdrop) finish(null); } }, form);
      this.root.append(backdrop);
      this.open = { close: () => finish(null) };
      const field = body?.matches("input, select, textarea") ? body : accept;
      field.focus();
      if (field instanceof HTMLInputElement) field.select();
    });
  }
}

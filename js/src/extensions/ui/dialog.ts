// scripts/ui/dialog.js and ui/components/asyncDialog.js: the windows that packs open themselves.

import { trapFocus } from "../../editor/dom";
import { $el } from "./element";

export type DialogContent = string | Node | (string | Node)[];

/** A window over the page. Packs extend it; `show` takes HTML text or elements. */
export class ComfyDialog extends EventTarget {
  element: HTMLElement;
  textElement!: HTMLElement;
  /** What had the focus before; it gets it back. */
  private before: Element | null = null;

  constructor(type = "div", private readonly buttons: HTMLElement[] | null = null) {
    super();
    this.element = $el(`${type}.comfy-modal`, { parent: document.body, tabIndex: -1 }, [
      $el("div.comfy-modal-content", [$el("p", { $: (element) => { this.textElement = element; } }), ...this.createButtons()]),
    ]);
    this.element.setAttribute("role", "dialog");
    this.element.setAttribute("aria-modal", "true");
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      this.close();
    });
    trapFocus(this.element);
  }

  createButtons(): HTMLElement[] {
    return this.buttons ?? [$el("button", { type: "button", textContent: "Close", onclick: () => this.close() })];
  }

  show(content?: DialogContent): void {
    if (typeof content === "string") this.textElement.innerHTML = content;
    else if (content !== undefined) this.textElement.replaceChildren(...(Array.isArray(content) ? content : [content]));
    if (this.element.style.display !== "flex") this.before = document.activeElement;
    this.element.style.display = "flex";
    if (!this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
  }

  close(): void {
    const inside = this.element.contains(document.activeElement);
    this.element.style.display = "none";
    if (inside && this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
    this.before = null;
  }
}

type Action = string | { text: string; value?: unknown };

/** A `<dialog>` that answers: `await dialog.showModal(content)` gives what its button stands for, undefined when dismissed. */
export class ComfyAsyncDialog extends ComfyDialog {
  private answer: ((result: unknown) => void) | null = null;

  constructor(actions?: Action[]) {
    super("dialog.comfy-dialog.comfyui-dialog", actions?.map((action) => {
      const { text, value = text } = typeof action === "string" ? { text: action } : action;
      return $el("button.comfyui-button", { type: "button", textContent: text, onclick: () => this.close(value) });
    }) ?? null);
    this.element.addEventListener("cancel", () => this.close());
  }

  private get window(): HTMLDialogElement {
    return this.element as HTMLDialogElement;
  }

  override show(content?: DialogContent): Promise<unknown> & void {
    this.fill(content);
    this.window.show();
    return this.answered() as Promise<unknown> & void;
  }

  showModal(content?: DialogContent): Promise<unknown> {
    this.fill(content);
    this.window.showModal();
    return this.answered();
  }

  override close(result?: unknown): void {
    const { answer } = this;
    this.answer = null;
    this.window.close();
    answer?.(result);
  }

  private fill(content?: DialogContent): void {
    if (content === undefined) return;
    if (typeof content === "string") this.textElement.innerHTML = content;
    else this.textElement.replaceChildren(...(Array.isArray(content) ? content : [content]));
  }

  private answered(): Promise<unknown> {
    this.answer?.(undefined);
    return new Promise((resolve) => { this.answer = resolve; });
  }

  /** Asks once and goes away; title and message are text. */
  static async prompt({ title = null, message, actions }: { title?: string | null; message: string; actions: Action[] }): Promise<unknown> {
    const dialog = new ComfyAsyncDialog(actions);
    const content = [$el("span", { textContent: message })];
    if (title) content.unshift($el("h3", { textContent: title }));
    const result = await dialog.showModal(content);
    dialog.element.remove();
    return result;
  }
}

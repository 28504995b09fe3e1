// The lists of the old menu (`app.ui.queue`, `app.ui.history`), for packs that show or refresh them.

import { $el } from "./element";
import { guarded } from "./guard";
import type { UiApi } from "./host";

type QueueItem = [number: number, id: string, ...more: unknown[]];

interface Row {
  id: string;
  number: number;
  state: string;
}

export class ComfyList {
  readonly element = $el("div.comfy-list", { style: { display: "none" } });
  readonly button: HTMLElement;

  constructor(private readonly api: UiApi, readonly text: "Queue" | "History", readonly type: string = text.toLowerCase()) {
    this.button = $el("button", { type: "button", textContent: `View ${text}`, onclick: () => this.toggle() });
  }

  get visible(): boolean {
    return this.element.style.display !== "none";
  }

  /** Asks the server and shows what it says. */
  async load(): Promise<void> {
    const answer = (await (await this.api.fetchApi(`/${this.type}`)).json()) as Record<string, unknown>;
    const rows = this.text === "Queue" ? queued(answer) : finished(answer);
    this.element.replaceChildren(
      $el("h4", { textContent: this.text }),
      ...(rows.length > 0 ? rows.map((row) => this.row(row)) : [$el("div", { textContent: "Nothing here" })]),
      $el("div.comfy-list-actions", [$el("button", { type: "button", textContent: `Clear ${this.text}`, onclick: () => this.change({ clear: true }) }), $el("button", { type: "button", textContent: "Close", onclick: () => this.hide() })]));
  }

  async update(): Promise<void> {
    if (this.visible) await this.load();
  }

  async show(): Promise<void> {
    this.element.style.display = "block";
    this.button.textContent = "Close";
    await this.load();
  }

  hide(): void {
    this.element.style.display = "none";
    this.button.textContent = `View ${this.text}`;
  }

  toggle(): boolean {
    if (this.visible) this.hide();
    else void guarded(this.text, () => this.show());
    return this.visible;
  }

  private row({ id, number, state }: Row): HTMLElement {
    const running = state === "Running";
    return $el("div.comfy-list-items", [`${number}: ${state} `,
      $el("button", { type: "button", textContent: running ? "Cancel" : "Delete", onclick: () => (running ? this.interrupt(id) : this.change({ delete: [id] })) })]);
  }

  private interrupt(id: string): void {
    void guarded(this.text, () => this.api.fetchApi("/interrupt", { method: "POST", body: JSON.stringify({ prompt_id: id }) }));
  }

  private change(body: object): void {
    void guarded(this.text, async () => {
      await this.api.fetchApi(`/${this.type}`, { method: "POST", body: JSON.stringify(body) });
      await this.load();
    });
  }
}

function queued(answer: Record<string, unknown>): Row[] {
  const rows = (items: unknown, state: string) => ((items ?? []) as QueueItem[]).map(([number, id]) => ({ id, number, state }));
  return [...rows(answer.queue_running, "Running"), ...rows(answer.queue_pending, "Pending")];
}

function finished(answer: Record<string, unknown>): Row[] {
  return Object.entries(answer as Record<string, { prompt?: QueueItem; status?: { status_str?: string } }>)
    .map(([id, { prompt, status }]) => ({ id, number: prompt?.[0] ?? 0, state: status?.status_str ?? "done" })).reverse();
}

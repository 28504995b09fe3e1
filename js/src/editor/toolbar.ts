// The bar above the canvas: run, cancel, what is going on, and the tools. Narrow cells keep Run and the menu.

import { clock, h } from "./dom";
import { icon, type IconName } from "./icons";
import { keyLabel, type Command, type Commands } from "./keyboard";
import { commandItem, openMenu, type MenuItem } from "./popup-menu";
import type { RunStatus } from "./run";
import type { SyncState } from "./sync";

const BATCH_LIMIT = 100;
const SYNC_TEXT: Partial<Record<SyncState, string>> = { waiting: "Edits wait for the kernel", offline: "Not connected" };

const MENU: ([string, IconName] | null)[] = [
  ["open", "open"], ["save-json", "save"], ["copy-json", "copy"], ["save-api", "save"], null, ["undo", "undo"], ["redo", "redo"], ["search", "search"], null,
  ["fit", "fit"], ["arrange", "list"], ["full-size", "expand"], null, ["refresh", "redo"], ["clear", "close"], ["packs", "puzzle"], ["settings", "settings"], ["shortcuts", "info"],
];

export class Toolbar {
  readonly element: HTMLElement;
  batch = 1;
  private readonly runLabel = h("span", {}, "Run");
  private readonly runButton: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly state = h("div", { class: "cn-status" });
  private readonly sync = h("span", { class: "cn-sync", role: "status" });
  private readonly live = h("span", { class: "cn-visually-hidden", role: "status", "aria-live": "polite" });
  private readonly bar = h("div", { class: "cn-progress", role: "progressbar", "aria-label": "Run progress", hidden: true }, h("div", {}));
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private clockTimer: ReturnType<typeof setInterval> | undefined;
  private problems = 0;
  private last: RunStatus | null = null;
  readonly menuButton: HTMLButtonElement;
  /** Where packs put buttons and badges. */
  readonly extra = h("div", { class: "cn-extra" });
  private readonly packErrors = h("button", { class: "cn-chip cn-pack-errors", hidden: true, onclick: () => this.commands.run("packs") }, icon("puzzle"), h("span", {}));
  private readonly menuSections: (() => (MenuItem | HTMLElement | null)[])[] = [];

  constructor(
    private readonly root: HTMLElement,
    private readonly commands: Commands,
    private readonly onProblems: () => void,
    focusCanvas: () => void,
  ) {
    this.runButton = h("button", { class: "cn-button cn-primary cn-run", title: `Run the workflow (${keyLabel("ctrl+enter")})`, onclick: () => commands.run("run") }, icon("play"), this.runLabel);
    const more = h("button", { class: "cn-button cn-primary cn-run-more", title: "Ways to run", "aria-label": "Ways to run", "aria-haspopup": "menu", onclick: () => this.openRunMenu(more) }, icon("down"));
    this.cancel = h("button", { class: "cn-button cn-cancel", hidden: true, title: `Cancel (${keyLabel("ctrl+alt+enter")})`, onclick: () => commands.run("cancel") }, icon("stop"), h("span", { class: "cn-wide" }, "Cancel"));
    this.menuButton = h("button", { class: "cn-icon-button", title: "Menu", "aria-label": "Menu", "aria-haspopup": "menu", onclick: () => this.openMainMenu() }, icon("more"));
    this.element = h("div", { class: "cn-toolbar", role: "toolbar", "aria-label": "Editor" },
      h("div", { class: "cn-split" }, this.runButton, more), this.cancel, this.state, this.sync, h("span", { class: "cn-spacer" }), this.packErrors, this.extra,
      h("div", { class: "cn-tools cn-wide" }, this.tool("undo", "undo"), this.tool("redo", "redo")),
      h("div", { class: "cn-tools cn-wider" }, this.tool("search", "plus"), this.tool("open", "open"), this.tool("save-json", "save")),
      h("div", { class: "cn-tools" }, h("span", { class: "cn-wide" }, this.tool("fit", "fit")), this.tool("full-size", "expand"), this.menuButton),
      this.bar, this.live);
    this.element.addEventListener("mousedown", (event) => {
      if (event.target instanceof HTMLInputElement) return;
      event.preventDefault(); // a press leaves the focus where it was, so that Space goes on adding nodes
      if (!document.hasFocus() || !root.contains(document.activeElement)) focusCanvas();
    });
  }

  private tool(id: string, symbol: IconName): HTMLButtonElement {
    const command = this.commands.get(id);
    const button = h("button", { class: "cn-icon-button", title: titleOf(command), "aria-label": command.label, onclick: () => this.commands.run(id) }, icon(symbol));
    this.buttons.set(id, button);
    return button;
  }

  /** Enables and disables the tools; keys may have become a pack's. */
  refresh(): void {
    for (const [id, button] of this.buttons) button.title = titleOf(this.commands.get(id));
    for (const [id, button] of [...this.buttons, ["run", this.runButton] as const]) button.disabled = !(this.commands.get(id).enabled?.() ?? true);
  }

  setFullSize(on: boolean): void {
    const button = this.buttons.get("full-size");
    button?.replaceChildren(icon(on ? "shrink" : "expand"));
    button?.setAttribute("aria-pressed", String(on));
  }

  setSync(state: SyncState): void {
    this.sync.textContent = SYNC_TEXT[state] ?? "";
    this.sync.className = `cn-sync cn-sync-${state}`;
  }

  /** Errors in packs' JavaScript; the page about packs lists them. */
  setPackErrors(count: number): void {
    const text = count === 1 ? "1 error in a pack" : `${count} errors in packs`;
    this.packErrors.hidden = count === 0;
    this.packErrors.title = this.packErrors.ariaLabel = text;
    (this.packErrors.lastChild as HTMLElement).textContent = String(count);
  }

  setProblems(count: number): void {
    this.problems = count;
    if (this.last) this.setRun(this.last);
  }

  setRun(status: RunStatus): void {
    this.last = status;
    const active = status.phase === "running" || status.phase === "submitting";
    this.cancel.hidden = !active && status.queue === 0;
    this.bar.hidden = !active;
    const fraction = status.max > 0 ? Math.min(1, status.value / status.max) : null;
    this.bar.classList.toggle("cn-indeterminate", fraction === null);
    if (fraction === null) this.bar.removeAttribute("aria-valuenow");
    else this.bar.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
    (this.bar.firstElementChild as HTMLElement).style.width = fraction === null ? "" : `${fraction * 100}%`;
    this.draw();
    this.announce(status);
    clearInterval(this.clockTimer);
    if (active) this.clockTimer = setInterval(() => this.draw(), 500);
  }

  destroy(): void {
    clearInterval(this.clockTimer);
  }

  private draw(): void {
    const status = this.last;
    if (!status) return;
    const elapsed = clock((status.ended ?? performance.now()) - status.started);
    const parts: (HTMLElement | string)[] = [];
    const dot = (kind: string) => h("span", { class: `cn-dot cn-dot-${kind}` });
    if (status.phase === "submitting") parts.push(dot("running"), h("span", { class: "cn-status-main" }, "Waiting for the kernel…"));
    else if (status.phase === "running") {
      const steps = status.max > 0 ? `${status.value}/${status.max}` : "";
      parts.push(dot("running"), h("span", { class: "cn-status-main", title: status.nodeTitle }, status.nodeTitle || "Starting…"), ...(steps ? [h("span", { class: "cn-number" }, steps)] : []), h("span", { class: steps ? "cn-number cn-wide" : "cn-number" }, elapsed));
    } else if (status.phase === "done") parts.push(dot("done"), h("span", { class: "cn-status-main" }, "Done"), h("span", { class: "cn-number" }, elapsed));
    else if (status.phase === "cancelled") parts.push(dot("idle"), h("span", { class: "cn-status-main" }, "Cancelled"));
    const waiting = status.queue - (status.phase === "running" ? 1 : 0);
    if (waiting > 0) parts.push(h("span", { class: "cn-badge", title: "Runs that wait" }, `${waiting} queued`));
    if (this.problems > 0) parts.push(h("button", { class: "cn-chip cn-chip-error", onclick: this.onProblems }, icon("warning"), this.problems === 1 ? "1 problem" : `${this.problems} problems`));
    this.state.replaceChildren(...parts);
  }

  /** For screen readers: the stages of a run and the node, not every step. */
  private announce(status: RunStatus): void {
    const problems = this.problems > 0 ? `, ${this.problems === 1 ? "1 problem" : `${this.problems} problems`}` : "";
    const stage = { idle: "", submitting: "Waiting for the kernel", running: `Running ${status.nodeTitle}`, done: "Run done", failed: "Run failed", cancelled: "Run cancelled" }[status.phase];
    const text = stage && `${stage}${problems}`;
    if (this.live.textContent !== text) this.live.textContent = text;
  }

  /** How often Run queues the workflow. */
  setBatch(count: number): void {
    this.batch = Math.max(1, Math.min(BATCH_LIMIT, Math.round(count) || 1));
    this.runLabel.textContent = this.batch > 1 ? `Run × ${this.batch}` : "Run";
  }

  private openRunMenu(anchor: HTMLElement): void {
    const set = (value: number) => {
      this.setBatch(value);
      count.value = String(this.batch);
    };
    const count = h("input", { class: "cn-input", type: "number", min: 1, max: BATCH_LIMIT, value: this.batch, "aria-label": "Batch count", onchange: () => set(Number(count.value)) });
    const step = (by: number, symbol: IconName, label: string) => h("button", { class: "cn-icon-button cn-small", type: "button", "aria-label": label, onclick: () => set(this.batch + by) }, icon(symbol));
    openMenu(this.root, anchor, [
      this.item("run", "play"), this.item("run-front", "play"), this.item("run-selected", "play"), null,
      h("div", { class: "cn-dropdown-row" }, h("span", { class: "cn-dropdown-label" }, "Batch count"), step(-1, "minus", "Fewer"), count, step(1, "plus", "More")),
      null, this.item("cancel", "stop"), this.item("clear-queue", "close"),
    ]);
  }

  private openMainMenu(): void {
    const more = this.menuSections.flatMap((section) => section());
    openMenu(this.root, this.menuButton, [...MENU.map((entry) => entry && this.item(...entry)), ...more]);
  }

  /** `section` is asked for its entries each time the menu opens. */
  addMenuSection(section: () => (MenuItem | HTMLElement | null)[]): void {
    this.menuSections.push(section);
  }

  private item(id: string, symbol: IconName): MenuItem {
    return commandItem(this.commands.get(id), symbol);
  }
}

function titleOf({ label, keys }: Command): string {
  return keys?.[0] ? `${label} (${keyLabel(keys[0])})` : label;
}

// scripts/ui.js: `app.ui`, the older way to the menu, the settings, the queue and a dialog.

import type { CommandStore } from "./commands";
import { ComfyList } from "./comfy-list";
import { ComfyDialog } from "./dialog";
import { $el } from "./element";
import { makeHostButtons, type HostButtons } from "./host-buttons";
import { ComfySettingsDialog } from "./comfy-settings";
import type { UiApp, UiEditor } from "./host";
import type { SettingsStore } from "./settings-store";

export interface ComfyUIParts {
  settings: SettingsStore;
  commands: CommandStore;
}

export class ComfyUI {
  readonly dialog = new ComfyDialog();
  readonly settings: ComfySettingsDialog;
  /** Runs waiting or running, as the server last said. */
  lastQueueSize = 0;
  autoQueueMode: unknown = null;
  autoQueueEnabled = false;
  graphHasChanged = false;
  readonly queue: ComfyList;
  readonly history: ComfyList;
  menuContainer: HTMLElement;
  queueSize: HTMLElement;
  menuHamburger = $el("div.comfy-menu-hamburger");
  restoreMenuPosition: () => void = () => undefined;
  readonly fileInput: HTMLInputElement;
  private readonly editor: UiEditor;

  constructor(readonly app: UiApp, parts: ComfyUIParts) {
    this.editor = app.editor;
    this.queue = new ComfyList(app.api, "Queue");
    this.history = new ComfyList(app.api, "History");
    const buttons = this.makeButtons(parts.commands);
    buttons.menu.append(this.queue.element, this.history.element);
    this.menuContainer = buttons.menu;
    this.queueSize = buttons.queueSize;
    this.fileInput = buttons.fileInput;
    this.settings = new ComfySettingsDialog(parts.settings, () => this.editor.openSettings(), () => this.editor.settingsDialog.close());
    app.api.addEventListener("status", (event) => this.setStatus((event as CustomEvent).detail));
  }

  /** How often the workflow is queued by one press of Run. */
  get batchCount(): number {
    return this.editor.toolbar.batch;
  }

  set batchCount(count: number) {
    this.editor.toolbar.setBatch(count);
  }

  setStatus(status: { exec_info?: { queue_remaining?: number | string } } | null | undefined): void {
    const remaining = status?.exec_info?.queue_remaining;
    this.queueSize.textContent = `Queue size: ${status ? (remaining ?? 0) : "ERR"}`;
    this.lastQueueSize = Number(remaining ?? 0);
    void this.queue.update();
    void this.history.update();
  }

  loadFile(): void {
    this.fileInput.click();
  }

  private makeButtons(commands: CommandStore): HostButtons {
    const { app } = this;
    const byEditor = new Map([["settings", "Comfy.ShowSettingsDialog"], ["save-json", "Comfy.ExportWorkflow"], ["save-api", "Comfy.ExportWorkflowAPI"], ["refresh", "Comfy.RefreshNodeDefinitions"], ["clear", "Comfy.ClearWorkflow"], ["fit", "Comfy.Canvas.FitView"]]);
    return makeHostButtons({
      queue: (front) => (app.queuePrompt ? app.queuePrompt(front ? -1 : 0, this.batchCount) : this.editor.run({ front })),
      open: (file) => (app.handleFile ? app.handleFile(file) : this.editor.files.open(file)),
      run: (command) => commands.run(byEditor.get(command) ?? command),
      view: (list) => this[list].toggle(),
      loadDefault: () => app.loadGraphData?.(),
      clipspace: () => app.openClipspace?.(),
    });
  }
}

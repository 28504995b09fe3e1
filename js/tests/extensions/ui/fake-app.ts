// An app with the editor's real toolbar, dialogs, commands and settings around a canvas that is none.

import { vi } from "vitest";
import { h } from "../../../src/editor/dom";
import { Dialogs, Toasts } from "../../../src/editor/feedback";
import { bindKeys, Commands, type Command } from "../../../src/editor/keyboard";
import { PackProblems } from "../../../src/editor/pack-problems";
import { SettingsStore } from "../../../src/editor/settings";
import { SettingsDialog } from "../../../src/editor/settings-dialog";
import { SelectionToolbox } from "../../../src/editor/selection-toolbox";
import { Toolbar } from "../../../src/editor/toolbar";
import { createExtensionManager, createMenu, createUi, registerExtensionUi, type ExtensionStatics, type UiApp } from "../../../src/extensions/ui";

/** Commands that the toolbar needs, and whose calls are counted. */
const NAMES = ["run", "run-front", "run-selected", "cancel", "clear-queue", "undo", "redo", "open", "save", "save-json", "copy-json", "save-api", "search", "fit", "arrange",
  "full-size", "refresh", "clear", "settings", "packs", "shortcuts"];

export function fakeApp(stored: Record<string, unknown> = {}) {
  document.head.replaceChildren();
  document.body.replaceChildren();
  const ran: string[] = [];
  const saved: [string, unknown][] = [];
  const root = h("div", { class: "cn-editor", "data-theme": "dark" });
  const canvas = h("div", { class: "cn-stage" }, h("canvas", { tabindex: "0" }));
  root.append(canvas);
  document.body.append(root);
  const commands = new Commands();
  commands.add(NAMES.map((id): Command => ({ id, label: id, run: () => void ran.push(id), ...(id === "undo" && { keys: ["ctrl+z"] }) })));
  const listeners = new Map<string, (event: unknown) => void>();
  const selected: unknown[] = [];
  const view = {
    on: (name: string, listener: (event: unknown) => void) => { listeners.set(name, listener); return () => listeners.delete(name); },
    focus: () => canvas.querySelector("canvas")?.focus(), serialize: () => ({ nodes: [] }), selection: () => selected.map((_, index) => index + 1),
    clientPos: () => ({ x: 100, y: 100 }), getScale: () => 1, raw: { canvas: { selectedItems: selected, canvas: canvas.querySelector("canvas") } },
  };
  const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  const editor = {
    parts: { root, canvas, toasts: new Toasts(root), host: { request: () => new Promise(() => undefined) } },
    view, commands, dialogs: new Dialogs(root), settingsDialog: new SettingsDialog(root), settings: new SettingsStore(storage, {}, () => undefined, () => undefined),
    packProblems: new PackProblems(), files: { title: "flow", open: vi.fn() }, workspace: { edited: vi.fn() }, openSettings: (page?: string) => editor.settingsDialog.open(page), run: vi.fn(), sharesPage: false,
  } as unknown as UiApp["editor"] & { toolbar: Toolbar; toolbox: SelectionToolbox };
  editor.settingsDialog.addPages(() => [editor.settings.page()]);
  editor.toolbar = new Toolbar(root, commands, () => undefined, () => undefined);
  editor.toolbox = new SelectionToolbox(canvas, editor.view);
  root.prepend(editor.toolbar.element);
  bindKeys(root, commands, () => false, () => editor.sharesPage);
  const api = Object.assign(new EventTarget(), {
    fetchApi: vi.fn(async (route: string, options?: RequestInit) => {
      if (options?.method === "POST") saved.push([route, JSON.parse(String(options.body))]);
      return new Response(JSON.stringify(route === "/settings" ? stored : {}));
    }),
  });
  const app = { api, editor, queuePrompt: vi.fn(), handleFile: vi.fn() } as unknown as UiApp & { queuePrompt: ReturnType<typeof vi.fn> };
  const ui = createUi(app);
  return {
    app, ui, menu: createMenu(app), manager: createExtensionManager(app), root, ran, saved, editor, api,
    register: (extension: ExtensionStatics) => registerExtensionUi(app, extension),
    select: (...items: unknown[]) => { selected.splice(0, selected.length, ...items); listeners.get("selection")?.({}); },
    $: (selector: string) => document.querySelector<HTMLElement>(selector) as HTMLElement,
    press: (target: EventTarget, key: string, more: KeyboardEventInit = {}) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more })),
  };
}

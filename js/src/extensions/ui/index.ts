// What packs see of the page: the older API (`app.ui`), the newer one (`app.extensionManager`, `app.menu`), the static members
// of their extensions, and the elements they look for. The app's constructor calls `createUi`, then `createExtensionManager`.

import { setReport } from "./guard";
import type { Exports } from "../modules";
import { packOfError } from "../pack-of-error";
import { ComfyAppMenu } from "./app-menu";
import { CommandStore } from "./commands";
import { ComfyUI } from "./comfy-ui";
import { ComfySettingsDialog } from "./comfy-settings";
import { ComfyButton } from "./components/button";
import { ComfyButtonGroup } from "./components/button-group";
import { ComfyPopup } from "./components/popup";
import { ComfySplitButton } from "./components/split-button";
import { addCoreSettings, PALETTE } from "./core-settings";
import { ComfyAsyncDialog, ComfyDialog } from "./dialog";
import { DraggableList } from "./draggable-list";
import { $el } from "./element";
import type { UiApp } from "./host";
import { watchIcons } from "./icon-fonts";
import { calculateImageGrid, createImageHost } from "./image-preview";
import { ExtensionManager } from "./manager";
import { followTheme } from "./page-theme";
import { addPlaces, type Places } from "./places";
import { toolboxOfPacks } from "./selection-toolbox";
import { SettingsStore } from "./settings-store";
import { Statics } from "./statics";
import { applyClasses, toggleElement } from "./style-utils";
import { BottomPanel, Sidebar } from "./tabs";
import { toggleSwitch } from "./toggle-switch";
import { ToolbarStrip } from "./toolbar-strip";
import type { ExtensionStatics } from "./types";

export type { UiApi, UiApp, UiEditor } from "./host";
export type { ExtensionStatics } from "./types";
export { ComfyUI } from "./comfy-ui";
export { ComfyAppMenu } from "./app-menu";
export { ExtensionManager } from "./manager";

/** Exports of the host modules that this folder owns, by their name in `window.comfyAPI`. */
export const uiExports: Record<string, Exports> = {
  ui: { $el, ComfyDialog, ComfyUI },
  dialog: { ComfyDialog },
  settings: { ComfySettingsDialog },
  utils: { applyClasses, toggleElement },
  draggableList: { DraggableList },
  imagePreview: { calculateImageGrid, createImageHost },
  toggleSwitch: { toggleSwitch },
  asyncDialog: { ComfyAsyncDialog },
  button: { ComfyButton },
  buttonGroup: { ComfyButtonGroup },
  popup: { ComfyPopup },
  splitButton: { ComfySplitButton },
  index: { ComfyAppMenu },
};

/** The user interface of one app. */
interface Built {
  ui: ComfyUI;
  menu: ComfyAppMenu;
  manager: ExtensionManager;
  statics: Statics;
  destroy(): void;
}

const built = new WeakMap<UiApp, Built>();

/** `app.ui`. Builds everything; what packs add is shown from now on. */
export function createUi(app: UiApp): ComfyUI {
  return build(app).ui;
}

/** `app.menu`. */
export function createMenu(app: UiApp): ComfyAppMenu {
  return build(app).menu;
}

/** `app.extensionManager`. */
export function createExtensionManager(app: UiApp): ExtensionManager {
  return build(app).manager;
}

/** Settings, commands, keys, menus, tabs, badges and buttons that an extension declares; its registration calls this. */
export function registerExtensionUi(app: UiApp, extension: ExtensionStatics): void {
  build(app).statics.add(extension);
}

export function destroyUi(app: UiApp): void {
  built.get(app)?.destroy();
  built.delete(app);
}

function build(app: UiApp): Built {
  const known = built.get(app);
  if (known) return known;
  const { editor } = app;
  editor.sharesPage = true;
  setReport((source, error) => editor.packProblems.add(source, error, packOfError(error)));
  const places = addPlaces(editor.parts.root, editor.parts.canvas);
  const settings = new SettingsStore(settingsBackend(app));
  addCoreSettings(settings, editor);
  const commands = new CommandStore(editor.commands);
  commands.registerCommands([true, false].map((larger) => ({ id: `Comfy.MaskEditor.BrushSize.${larger ? "Increase" : "Decrease"}`, label: `${larger ? "Larger" : "Smaller"} brush in the MaskEditor`, function: () => editor.maskEditor.resizeBrush(larger) })));
  const sidebar = new Sidebar(places.left, () => editor.view.focus());
  const bottomPanel = new BottomPanel(places.bottom, () => statics.drawPanelButton());
  const ui = new ComfyUI(app, { settings, commands });
  const menu = new ComfyAppMenu(app);
  const strip = new ToolbarStrip(editor.parts.root, editor.toolbar.extra);
  const statics = new Statics({ editor, settings, commands, sidebar, bottomPanel, strip });
  strip.add(menu.element, ui.menuContainer);
  editor.parts.root.append(ui.fileInput);
  const manager = new ExtensionManager({ editor, settings, commands, sidebar, bottomPanel });
  const takeTools = editor.toolbox.add(() => toolboxOfPacks(commands, statics.extensions, selectedItems(app)));
  const stops = [followTheme(editor.parts.root, (theme) => settings.adopt(PALETTE, theme)), watchIcons(editor.parts.host, editor.parts.root.ownerDocument), () => strip.destroy(), takeTools];
  nameCanvas(app, places);
  const made: Built = { ui, menu, manager, statics, destroy: () => stops.forEach((stop) => stop()) };
  built.set(app, made);
  return made;
}

function settingsBackend({ api }: UiApp) {
  return {
    load: async () => (await (await api.fetchApi("/settings")).json()) as Record<string, unknown>,
    save: (id: string, value: unknown) => api.fetchApi(`/settings/${encodeURIComponent(id)}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value ?? null) }),
  };
}

/** What is selected on the canvas: nodes, groups, reroutes. */
function selectedItems({ editor }: UiApp): unknown[] {
  const canvas = editor.view.raw.canvas as { selectedItems?: Iterable<unknown> } | undefined;
  return [...(canvas?.selectedItems ?? [])];
}

/** Packs find the canvas by id, and what lies around it as members of the app. */
function nameCanvas(app: UiApp, places: Places): void {
  const { editor } = app;
  Object.assign(app, { bodyTop: places.top, bodyLeft: places.left, bodyRight: places.right, bodyBottom: places.bottom, canvasContainer: places.stage });
  const canvas = (editor.view.raw.canvas as { canvas?: HTMLCanvasElement } | undefined)?.canvas ?? editor.parts.canvas.querySelector("canvas");
  if (canvas) canvas.id = "graph-canvas";
  places.stage.classList.add("graph-canvas-container", "graph-canvas-panel");
}


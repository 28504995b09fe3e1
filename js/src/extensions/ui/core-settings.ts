// Settings of the reference that packs read or set, as far as they mean something here; most are the editor's own.

import type { Settings as EditorSettings } from "../../editor/settings";
import type { UiEditor } from "./host";
import type { SettingsStore } from "./settings-store";

/** litegraph's numbers of link styles. */
const LINK_MODES: Record<string, EditorSettings["linkMode"]> = { 0: "straight", 1: "linear", 2: "spline", "-1": "hidden" };

type Bound = { [K in keyof EditorSettings]?: { id: string; toPack(value: EditorSettings[K]): unknown; toEditor(value: unknown): EditorSettings[K] | undefined } };

const BOUND: Bound = {
  linkMode: {
    id: "Comfy.LinkRenderMode",
    toPack: (mode) => Number(Object.keys(LINK_MODES).find((key) => LINK_MODES[key] === mode) ?? 2),
    toEditor: (value) => LINK_MODES[String(value)],
  },
  controlMode: { id: "Comfy.WidgetControlMode", toPack: (mode) => mode, toEditor: (value) => (value === "before" || value === "after" ? value : undefined) },
};

/** Whether the page is dark or light, whoever decided it; a pack that sets it decides. */
export const PALETTE = "Comfy.ColorPalette";

const FIXED: Record<string, unknown> = {
  "Comfy.UseNewMenu": "Top", "Comfy.Locale": "en", "Comfy.Sidebar.Location": "left", "Comfy.DevMode": true, "Comfy.EnableTooltips": true,
  "Comfy.ConfirmClear": true, "Comfy.PromptFilename": true, "Comfy.PreviewFormat": "", "Comfy.DisableSliders": false, "Comfy.DisableFloatRounding": false,
  "Comfy.FloatRoundingPrecision": 0, "Comfy.EditAttention.Delta": 0.05, "Comfy.SnapToGrid.GridSize": 10, "Comfy.VueNodes.Enabled": false, "Comfy.Workflow.ShowMissingNodesWarning": true,
  "Comfy.Graph.CanvasInfo": false, "Comfy.LinkRelease.Action": "search box", "Comfy.LinkRelease.ActionShift": "search box", "Comfy.TextareaWidget.FontSize": 12, "Comfy.TextareaWidget.Spellcheck": false,
  "Comfy.NodeBadge.NodeIdBadgeMode": "None", "Comfy.NodeBadge.NodeSourceBadgeMode": "None", "Comfy.NodeBadge.NodeLifeCycleBadgeMode": "None",
  "Comfy.CustomColorPalettes": {}, "Comfy.Node.ShowDeprecated": false, "Comfy.Node.ShowExperimental": true, "Comfy.Graph.ZoomSpeed": 1.1,
  "Comfy.QueueButton.BatchCountLimit": 100, "Comfy.InvertMenuScrolling": false, "Comfy.GroupSelectedNodes.Padding": 10,
};

/** Declares them, hidden: the editor's page has those a person sets. */
export function addCoreSettings(store: SettingsStore, editor: UiEditor): void {
  for (const [id, defaultValue] of Object.entries(FIXED)) store.add({ id, name: id, type: "hidden", defaultValue });
  for (const [key, { id, toPack, toEditor }] of Object.entries(BOUND) as [keyof EditorSettings, { id: string; toPack(value: unknown): unknown; toEditor(value: unknown): never }][]) {
    store.values[id] = toPack(editor.settings.values[key]);
    store.add({ id, name: id, type: "hidden", defaultValue: store.values[id], onChange: (value) => {
      const own = toEditor(value);
      if (own !== undefined && toPack(editor.settings.values[key]) !== value) editor.settings.set(key, own);
    } });
    editor.settings.onSet((changed, value) => {
      if (changed === key) store.adopt(id, toPack(value));
    });
  }
  const shown = () => editor.parts.root.dataset.theme;
  store.values[PALETTE] = shown();
  store.add({ id: PALETTE, name: PALETTE, type: "hidden", defaultValue: "dark", onChange: (value) => {
    if ((value === "dark" || value === "light") && value !== shown()) editor.settings.set("theme", value);
  } });
}

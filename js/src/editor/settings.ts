// What a person sets about the editor itself, and its page in the settings dialog. The kernel keeps it: browsers forget, and sandboxed
// frames have no memory at all. The browser has a copy for kernels that know nothing yet.

import type { ViewOptions } from "../graph";
import { h } from "./dom";
import { settingRow, type SettingsPage } from "./settings-dialog";
import type { SafeStorage } from "./storage";

export interface Settings extends Required<Pick<ViewOptions, "linkMode" | "snapToGrid" | "wheel" | "controlMode" | "showIds">> {
  theme: "notebook" | "dark" | "light";
}

const DEFAULTS: Settings = { linkMode: "spline", snapToGrid: false, wheel: "zoom", controlMode: "after", showIds: false, theme: "notebook" };
const KEY = "cn.settings";

const CHOICES: { [K in keyof Settings]?: { label: string; options: Record<string, string> } } = {
  theme: { label: "Colours", options: { notebook: "Follow the notebook", dark: "Dark", light: "Light" } },
  linkMode: { label: "Links", options: { spline: "Curved", linear: "Straight", straight: "Right angles", hidden: "Hidden" } },
  wheel: { label: "Mouse wheel", options: { zoom: "Zooms", pan: "Pans (Ctrl zooms)" } },
  controlMode: { label: "Seeds change", options: { after: "After a run", before: "Before a run" } },
};
const SWITCHES: { [K in keyof Settings]?: string } = { snapToGrid: "Snap to grid", showIds: "Show node ids" };

export class SettingsStore {
  readonly values: Settings;
  private readonly listeners: ((key: keyof Settings, value: unknown) => void)[] = [];

  constructor(
    private readonly storage: SafeStorage,
    fromKernel: unknown,
    private readonly onChange: (settings: Settings) => void,
    private readonly save: (settings: Settings) => void,
  ) {
    this.values = { ...DEFAULTS, ...valid(inBrowser(storage)), ...valid(fromKernel) };
  }

  /** `listener` hears every setting that is set from now on. */
  onSet(listener: (key: keyof Settings, value: unknown) => void): void {
    this.listeners.push(listener);
  }

  set<K extends keyof Settings>(key: K, value: Settings[K]): void {
    this.values[key] = value;
    this.storage.setItem(KEY, JSON.stringify(this.values));
    this.save(this.values);
    this.onChange(this.values);
    for (const listener of this.listeners) listener(key, value);
  }

  /** The page of the settings dialog about the editor itself. */
  page(): SettingsPage {
    return { id: "editor", title: "Editor", render: () => h("section", {},
      ...Object.entries(CHOICES).map(([key, { label, options }]) => this.choice(key as keyof Settings, label, options)),
      ...Object.entries(SWITCHES).map(([key, label]) => this.toggle(key as "snapToGrid" | "showIds", label))) };
  }

  private choice(key: keyof Settings, label: string, options: Record<string, string>): HTMLElement {
    const select = h("select", { class: "cn-input", onchange: () => this.set(key, select.value as never) },
      ...Object.entries(options).map(([value, text]) => h("option", { value, selected: this.values[key] === value }, text)));
    return settingRow(label, select);
  }

  private toggle(key: "snapToGrid" | "showIds", label: string): HTMLElement {
    const input = h("input", { type: "checkbox", role: "switch", class: "cn-switch", checked: this.values[key], onchange: () => this.set(key, input.checked) });
    return settingRow(label, input);
  }
}

function inBrowser(storage: SafeStorage): unknown {
  try {
    return JSON.parse(storage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

/** What of it are settings: others may have written there. */
function valid(values: unknown): Partial<Settings> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([key, value]) => {
    const choice = CHOICES[key as keyof Settings];
    return choice ? typeof value === "string" && Object.hasOwn(choice.options, value) : key in SWITCHES && typeof value === "boolean";
  }));
}

// scripts/ui/settings.js: the settings as packs of the older API know them (`app.ui.settings`).

import { ComfyDialog } from "./dialog";
import { $el } from "./element";
import type { SettingsStore } from "./settings-store";
import type { SettingParams } from "./types";

export class ComfySettingsDialog extends ComfyDialog {
  constructor(
    private readonly store: SettingsStore,
    private readonly openDialog: () => void,
    private readonly closeDialog: () => void,
  ) {
    super();
    // The real dialog is the editor's; packs close this one to make room for their own.
    this.element.remove();
    this.element = $el("dialog", { id: "comfy-settings-dialog" });
    (this.element as HTMLDialogElement).close = () => this.close();
  }

  /** Changes in this record change the settings (packs wrap `onChange` of settings that exist). */
  get settingsLookup(): Record<string, SettingParams> {
    return this.store.params;
  }

  get settingsParamLookup(): Record<string, SettingParams> {
    return this.store.params;
  }

  get settingsValues(): Record<string, unknown> {
    return this.store.values;
  }

  get settings(): SettingParams[] {
    return Object.values(this.store.params);
  }

  load(): Promise<void> {
    return this.store.load();
  }

  getId(id: string): string {
    return id;
  }

  /** The answer's `value` reads and writes the setting. */
  addSetting(params: SettingParams): { value: unknown } {
    const { store } = this;
    store.add(params);
    return {
      get value() { return store.get(params.id); },
      set value(value: unknown) { void store.set(params.id, value); },
    };
  }

  getSettingValue(id: string, defaultValue?: unknown): unknown {
    return this.store.get(id, defaultValue);
  }

  getSettingDefaultValue(id: string): unknown {
    return this.store.defaultOf(id);
  }

  setSettingValue(id: string, value: unknown): void {
    this.store.set(id, value).catch((error: unknown) => console.warn(`comfy_notebook: the setting ${id} was not saved: ${String(error)}`));
  }

  setSettingValueAsync(id: string, value: unknown): Promise<void> {
    return this.store.set(id, value);
  }

  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean): void {
    this.store.addEventListener(type, listener, options);
  }

  override removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: EventListenerOptions | boolean): void {
    this.store.removeEventListener(type, listener, options);
  }

  override dispatchEvent(event: Event): boolean {
    return this.store.dispatchEvent(event);
  }

  override show(): void {
    this.openDialog();
  }

  override close(): void {
    this.closeDialog();
  }
}

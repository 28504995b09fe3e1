// `app.extensionManager`: what newer packs add to the editor and ask of it.

import { h } from "../../editor/dom";
import { renderMarkdown } from "../../widgets/markdown";
import { DialogManager } from "./asking";
import type { CommandStore } from "./commands";
import type { UiEditor } from "./host";
import type { SettingsStore } from "./settings-store";
import type { BottomPanel, Sidebar } from "./tabs";
import { ToastManager } from "./toast";
import type { TabDefinition } from "./types";
import { workflowStore } from "./workflow";

export interface ManagerParts {
  editor: UiEditor;
  settings: SettingsStore;
  commands: CommandStore;
  sidebar: Sidebar;
  bottomPanel: BottomPanel;
}

export class ExtensionManager {
  readonly toast: ToastManager;
  readonly dialog: DialogManager;
  readonly setting: { get(id: string): unknown; set(id: string, value: unknown): Promise<void>; exists(id: string): boolean; addSetting(params: Parameters<SettingsStore["add"]>[0]): void; readonly settings: Record<string, unknown> };
  readonly command: CommandStore;
  readonly workflow: ReturnType<typeof workflowStore>;
  readonly sidebarTab: { readonly sidebarTabs: readonly TabDefinition[]; readonly activeSidebarTabId: string | null; readonly activeSidebarTab: TabDefinition | null; toggleSidebarTab(id: string): void; registerSidebarTab(tab: TabDefinition): void; unregisterSidebarTab(id: string): void };
  readonly bottomPanel: { readonly bottomPanelTabs: readonly TabDefinition[]; readonly bottomPanelVisible: boolean; toggleBottomPanel(): void; toggleBottomPanelTab(id: string): void; registerBottomPanelTab(tab: TabDefinition): void };
  private readonly waiting = h("div", { class: "cn-waiting", role: "status", hidden: true }, h("span", { class: "cn-dot cn-dot-running" }), "One moment…");

  constructor(private readonly parts: ManagerParts) {
    const { editor, settings, commands, sidebar, bottomPanel } = parts;
    this.toast = new ToastManager(editor.parts.toasts);
    this.dialog = new DialogManager(editor.dialogs);
    this.command = commands;
    editor.parts.canvas.append(this.waiting);
    this.workflow = workflowStore(editor, () => editor.files.title);
    this.setting = {
      get: (id) => settings.get(id), set: (id, value) => settings.set(id, value), exists: (id) => Object.hasOwn(settings.values, id) || Object.hasOwn(settings.params, id),
      addSetting: (params) => settings.add(params), get settings() { return settings.params; },
    };
    this.sidebarTab = {
      get sidebarTabs() { return sidebar.tabs; }, get activeSidebarTab() { return sidebar.active; }, get activeSidebarTabId() { return sidebar.active?.id ?? null; },
      toggleSidebarTab: (id) => sidebar.toggle(id), registerSidebarTab: (tab) => this.registerSidebarTab(tab), unregisterSidebarTab: (id) => this.unregisterSidebarTab(id),
    };
    this.bottomPanel = {
      get bottomPanelTabs() { return bottomPanel.tabs; }, get bottomPanelVisible() { return bottomPanel.isOpen; },
      toggleBottomPanel: () => bottomPanel.toggle(), toggleBottomPanelTab: (id) => bottomPanel.toggle(id), registerBottomPanelTab: (tab) => bottomPanel.add(tab),
    };
  }

  /** Whether something keeps the person waiting; packs switch it. */
  get spinner(): boolean {
    return !this.waiting.hidden;
  }

  set spinner(on: boolean) {
    this.waiting.hidden = !on;
  }

  registerSidebarTab(tab: TabDefinition): void {
    const { sidebar, commands } = this.parts;
    sidebar.add(tab);
    commands.registerCommand({ id: `Workspace.ToggleSidebarTab.${tab.id}`, label: `Sidebar: ${String(tab.title ?? tab.id)}`, function: () => sidebar.toggle(tab.id) });
  }

  unregisterSidebarTab(id: string): void {
    this.parts.sidebar.remove(id);
    this.parts.commands.unregister(`Workspace.ToggleSidebarTab.${id}`);
  }

  registerBottomPanelTab(tab: TabDefinition): void {
    this.parts.bottomPanel.add(tab);
  }

  getSidebarTabs(): readonly TabDefinition[] {
    return this.parts.sidebar.tabs;
  }

  /** Safe HTML: markup in the text stays text. */
  renderMarkdownToHtml(markdown: string, _baseUrl?: string): string {
    const box = document.createElement("div");
    renderMarkdown(box, String(markdown ?? ""));
    return box.innerHTML;
  }
}

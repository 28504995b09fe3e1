// The static members of extensions, put where people find them.

import { h } from "../../editor/dom";
import { icon } from "../../editor/icons";
import type { CommandStore } from "./commands";
import { actionElement, badgeElement, menuEntries } from "./extras";
import { guarded } from "./guard";
import type { UiEditor } from "./host";
import { aboutPage, settingsPages } from "./settings-pages";
import type { SettingsStore } from "./settings-store";
import type { BottomPanel, Sidebar } from "./tabs";
import type { ToolbarStrip } from "./toolbar-strip";
import type { AboutBadge, ExtensionStatics, MenuCommandGroup } from "./types";

interface Parts {
  editor: UiEditor;
  settings: SettingsStore;
  commands: CommandStore;
  sidebar: Sidebar;
  bottomPanel: BottomPanel;
  strip: ToolbarStrip;
}

/** Which extension a thing is of. */
interface Owned {
  owner: string;
}

function owned(element: HTMLElement, name: string): HTMLElement {
  element.dataset.owner = name;
  return element;
}

const PANEL_COMMAND = "Workspace.ToggleBottomPanel";

export class Statics {
  readonly extensions: ExtensionStatics[] = [];
  private readonly menus: (MenuCommandGroup & Owned)[] = [];
  private readonly about: (AboutBadge & Owned)[] = [];
  private readonly badges = h("div", { class: "cn-bar-badges" });
  private readonly actions = h("div", { class: "comfyui-button-group" });
  private readonly panelButton: HTMLButtonElement;

  constructor(private readonly parts: Parts) {
    const { editor, commands, strip, bottomPanel, settings } = parts;
    strip.add(this.badges, this.actions);
    this.panelButton = h("button", { class: "cn-icon-button", type: "button", title: "Bottom panel", "aria-label": "Bottom panel", "aria-expanded": "false", hidden: true, onclick: () => bottomPanel.toggle() }, icon("panel"));
    editor.toolbar.extra.append(this.panelButton);
    commands.registerCommand({ id: PANEL_COMMAND, label: "Toggle the bottom panel", function: () => bottomPanel.toggle() });
    editor.settingsDialog.addPages(() => [...settingsPages(settings), ...(this.about.length > 0 ? [aboutPage(this.about)] : [])]);
    editor.toolbar.addMenuSection(() => menuEntries(this.menus, commands, editor.commands));
  }

  /** Each part is taken for itself: a broken one costs only itself. What an extension of the same name had is replaced. */
  add(extension: ExtensionStatics): void {
    this.remove(extension.name);
    const { settings, commands, sidebar, bottomPanel } = this.parts;
    const each = <T>(list: T[] | undefined, take: (item: T) => void) => {
      for (const item of Array.isArray(list) ? list : []) guarded(extension.name, () => take(item));
    };
    this.extensions.push(extension);
    each(extension.commands, (command) => commands.registerCommand(command));
    each(extension.keybindings, (keybinding) => {
      const refused = commands.bind(keybinding);
      if (refused) console.warn(`comfy_notebook: ${extension.name}: ${refused}`);
    });
    each(extension.menuCommands, (group) => this.menus.push({ ...group, owner: extension.name }));
    each(extension.settings, (params) => settings.add(params));
    each(extension.sidebarTabs, (tab) => sidebar.add(tab));
    each(extension.bottomPanelTabs, (tab) => bottomPanel.add(tab));
    each(extension.aboutPageBadges, (badge) => this.about.push({ ...badge, owner: extension.name }));
    each(extension.topbarBadges, (badge) => this.badges.append(owned(badgeElement(badge), extension.name)));
    each(extension.actionBarButtons, (button) => this.actions.append(owned(actionElement(extension.name, button), extension.name)));
  }

  private remove(name: string): void {
    for (const list of [this.menus, this.about]) list.splice(0, list.length, ...(list.filter(({ owner }) => owner !== name) as never[]));
    for (const element of [...this.badges.children, ...this.actions.children]) if ((element as HTMLElement).dataset.owner === name) element.remove();
    const at = this.extensions.findIndex((extension) => extension.name === name);
    if (at >= 0) this.extensions.splice(at, 1);
  }

  drawPanelButton(): void {
    const { bottomPanel } = this.parts;
    this.panelButton.hidden = bottomPanel.tabs.length === 0;
    this.panelButton.setAttribute("aria-expanded", String(bottomPanel.isOpen));
  }
}

// Badges and buttons that extensions declare for the bar, and their commands in the main menu.

import { h } from "../../editor/dom";
import { keyLabel } from "../../editor/keyboard";
import type { MenuItem } from "../../editor/popup-menu";
import type { Commands } from "../../editor/keyboard";
import type { CommandStore } from "./commands";
import { guarded, textOf } from "./guard";
import { iconElement } from "./icons";
import type { ActionBarButton, MenuCommandGroup, TopbarBadge } from "./types";

/** Variants of badges in the editor's colours. */
const VARIANTS: Record<string, string> = { info: "cn-chip", warning: "cn-chip cn-chip-warn", error: "cn-chip cn-chip-error" };

export function badgeElement({ text, label, variant = "info", icon, tooltip }: TopbarBadge): HTMLElement {
  return h("span", { class: `${VARIANTS[variant] ?? VARIANTS.info} cn-bar-badge`, title: tooltip || undefined }, icon ? iconElement(icon, text) : null, label && h("span", { class: "cn-bar-badge-label" }, label), h("span", {}, text));
}

export function actionElement(source: string, { icon = "", label = "", tooltip = "", class: classes = "", onClick }: ActionBarButton): HTMLElement {
  const name = label || tooltip || source;
  return h("button", { class: `comfyui-button ${classes}`, type: "button", title: tooltip || name, "aria-label": name, onclick: (event: MouseEvent) => guarded(source, () => onClick?.(event)) },
    icon ? iconElement(icon, name) : null, label && h("span", {}, label));
}

/** Entries of the main menu: commands under the names of the menus they asked for. */
export function menuEntries(groups: readonly MenuCommandGroup[], commands: CommandStore, keys: Commands): (MenuItem | HTMLElement | null)[] {
  const byPath = new Map<string, string[]>();
  for (const { path, commands: ids } of groups) {
    const name = (path ?? []).join(" › ");
    byPath.set(name, [...(byPath.get(name) ?? []), ...(ids ?? [])]);
  }
  return [...byPath].flatMap(([path, ids]) => {
    const items = [...new Set(ids)].flatMap((id) => {
      const command = commands.getCommand(id);
      if (!command) return [];
      const label = textOf(id, command.menubarLabel) || textOf(id, command.label) || id;
      const active = command.active ? guarded(id, () => command.active?.()) : undefined;
      return [{ label, hint: keyLabel(keys.keysOf(id)[0]), ...(active !== undefined && { checked: Boolean(active) }), action: () => commands.run(id) }];
    });
    return items.length > 0 ? [null, h("div", { class: "cn-dropdown-title", role: "presentation" }, path), ...items] : [];
  });
}

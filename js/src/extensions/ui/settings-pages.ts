// Packs' settings as pages of the settings dialog, one a category, and the page about versions and links.

import { h } from "../../editor/dom";
import { settingRow, type SettingsPage } from "../../editor/settings-dialog";
import { textOf } from "./guard";
import { iconElement } from "./icons";
import { settingInput } from "./settings-inputs";
import { placeOf, type SettingsStore } from "./settings-store";
import type { AboutBadge, SettingParams } from "./types";

export function settingsPages(store: SettingsStore): SettingsPage[] {
  const categories = new Map<string, Map<string, SettingParams[]>>();
  for (const params of Object.values(store.params)) {
    if (params.type === "hidden") continue;
    const { category, section } = placeOf(params);
    const sections = categories.get(category) ?? new Map<string, SettingParams[]>();
    categories.set(category, sections.set(section, [...(sections.get(section) ?? []), params]));
  }
  return [...categories].sort(([a], [b]) => a.localeCompare(b)).map(([category, sections]) => ({
    id: `pack:${category}`, title: category, group: "Packs",
    render: () => h("div", {}, ...[...sections].map(([section, list]) => h("section", {}, sections.size > 1 || section !== category ? h("h4", {}, section) : null, ...rows(list, store)))),
  }));
}

function rows(list: SettingParams[], store: SettingsStore): HTMLElement[] {
  const sorted = [...list].sort((a, b) => (b.sortOrder ?? 0) - (a.sortOrder ?? 0));
  return sorted.flatMap((params) => {
    const save = (value: unknown) => void store.set(params.id, value).catch((error: unknown) => console.warn(`comfy_notebook: the setting ${params.id} was not saved: ${String(error)}`));
    const input = settingInput(params, store.get(params.id), save);
    if (!input) return [];
    if (typeof params.type === "function") return [ownRow(params, input)];
    const badge = params.deprecated ? "deprecated" : params.experimental ? "experimental" : undefined;
    const label = params.name instanceof HTMLElement ? params.name : String(params.name ?? params.id);
    return [settingRow(label, input, { text: textOf(params.id, params.tooltip), id: params.id, badge })];
  });
}

/** What a pack made itself mostly has its name in it, as a row of a table. */
function ownRow(params: SettingParams, made: HTMLElement): HTMLElement {
  const named = made.tagName === "TABLE" || (made.textContent ?? "").includes(String(params.name ?? params.id));
  const box = h("div", { class: "cn-setting-own" }, made);
  return named ? h("div", { class: "cn-setting", "data-id": params.id }, box) : settingRow(String(params.name ?? params.id), box, { text: textOf(params.id, params.tooltip), id: params.id });
}

/** Links are shown only where they lead to the web. */
export function aboutPage(badges: AboutBadge[]): SettingsPage {
  return {
    id: "about", title: "About",
    render: () => h("div", { class: "cn-about-links" }, ...badges.map(({ label, url = "", icon = "" }) => {
      const web = /^https?:\/\//i.test(url);
      const inside = [icon && iconElement(icon, label), h("span", {}, label)];
      return web ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", title: url }, ...inside) : h("span", {}, ...inside);
    })),
  };
}

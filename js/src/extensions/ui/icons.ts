// Icons that packs name by class ("pi pi-compass", "mdi mdi-robot"). What has no icon gets the first letter of its name.

import { h } from "../../editor/dom";

const FONTS = /^(?:pi|mdi|fa|fas|far|fab|icon-)/;

export function iconElement(classes: string, label: string): HTMLElement {
  if (/^\s*<svg[\s>]/i.test(classes)) return h("span", { class: "cn-letter" }, letterOf(label));
  if (FONTS.test(classes)) return h("i", { class: classes, "aria-hidden": "true" });
  return h("span", { class: "cn-letter", "aria-hidden": "true" }, letterOf(label));
}

function letterOf(label: string): string {
  return ([...label.trim()][0] ?? "·").toUpperCase();
}

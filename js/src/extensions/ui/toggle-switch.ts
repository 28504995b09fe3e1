// scripts/ui/toggleSwitch.js: a row of choices, one of which is on.

import { $el } from "./element";

type Item = string | { text: string; value?: string; tooltip?: string; selected?: boolean };

let groups = 0;

/** `onChange({item, prev})` hears the first choice too, with `prev` undefined. */
export function toggleSwitch(name: string, items: Item[], { onChange }: { onChange?: (change: { item: Item; prev?: Item }) => void } = {}): HTMLElement {
  const group = `${name}-${groups++}`;
  let chosen: number | null = null;
  const choose = (index: number) => {
    const previous = chosen;
    chosen = index;
    labels.forEach((label, at) => label.classList.toggle("comfy-toggle-selected", at === index));
    onChange?.({ item: items[index] as Item, ...(previous !== null && { prev: items[previous] as Item }) });
  };
  const labels = items.map((item, index) => {
    const { text, value = text, tooltip = "" } = typeof item === "string" ? { text: item } : item;
    const input = $el<HTMLInputElement>("input", { type: "radio", name: group, value, onchange: () => choose(index) });
    return $el("label", { title: tooltip }, [input, text]);
  });
  const first = Math.max(0, items.findIndex((item) => typeof item !== "string" && item.selected));
  if (labels.length > 0) {
    (labels[first]?.firstElementChild as HTMLInputElement).checked = true;
    choose(first);
  }
  return $el("div.comfy-toggle-switch", { role: "radiogroup", ariaLabel: name }, labels);
}

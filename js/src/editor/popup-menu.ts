// A menu that opens under a button: entries with icons, key hints and check marks; arrow keys walk it.

import { h, onPressOutside } from "./dom";
import { icon, type IconName } from "./icons";
import { keyLabel, type Command } from "./keyboard";

export interface MenuItem {
  label: string;
  hint?: string;
  icon?: IconName;
  checked?: boolean;
  disabled?: boolean;
  danger?: boolean;
  action(): void;
}

export function commandItem(command: Command, symbol?: IconName): MenuItem {
  return {
    label: command.label,
    hint: keyLabel(command.keys?.[0]),
    ...(symbol && { icon: symbol }),
    ...(command.checked && { checked: command.checked() }),
    disabled: !(command.enabled?.() ?? true),
    action: () => command.run(),
  };
}

/** null entries are separators, elements are shown as they are. Returns the function that closes the menu. */
export function openMenu(root: HTMLElement, anchor: HTMLElement, items: (MenuItem | HTMLElement | null)[]): () => void {
  const before = root.contains(document.activeElement) ? (document.activeElement as HTMLElement) : anchor;
  const close = () => {
    if (!menu.isConnected) return;
    menu.remove();
    stop();
    anchor.setAttribute("aria-expanded", "false");
  };
  const pick = (item: MenuItem) => {
    close();
    before.focus({ preventScroll: true });
    item.action();
  };
  const menu = h("div", { class: "cn-popover cn-dropdown", role: "menu", onkeydown: (event: KeyboardEvent) => walk(event, menu, close, before) },
    ...items.map((item) => (item === null ? h("hr", {}) : item instanceof HTMLElement ? item : row(item, pick))));
  root.append(menu);
  anchor.setAttribute("aria-expanded", "true");
  placeUnder(root, anchor, menu);
  const stop = onPressOutside(root, [menu, anchor], close);
  (menu.querySelector("button:not([disabled])") as HTMLElement | null)?.focus({ preventScroll: true });
  return close;
}

function row(item: MenuItem, pick: (item: MenuItem) => void): HTMLElement {
  const mark = item.checked ? icon("check") : item.icon ? icon(item.icon) : h("span", { class: "cn-icon" });
  return h("button", {
    class: item.danger ? "cn-danger" : "", type: "button", disabled: item.disabled,
    role: item.checked === undefined ? "menuitem" : "menuitemcheckbox", "aria-checked": item.checked === undefined ? undefined : String(item.checked),
    onclick: () => pick(item),
  }, mark, h("span", { class: "cn-dropdown-label" }, item.label), item.hint && h("kbd", {}, item.hint));
}

function walk(event: KeyboardEvent, menu: HTMLElement, close: () => void, before: HTMLElement): void {
  const rows = [...menu.querySelectorAll<HTMLElement>("button:not([disabled])")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to !== undefined) rows[(to + rows.length) % rows.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") {
    close();
    before.focus({ preventScroll: true });
  } else return;
  event.preventDefault();
}

/** Under the anchor, inside the editor; scrolls when the editor is low. */
export function placeUnder(root: HTMLElement, anchor: HTMLElement, box: HTMLElement): void {
  const frame = root.getBoundingClientRect();
  const spot = anchor.getBoundingClientRect();
  const top = spot.bottom - frame.top + 4;
  box.style.top = `${top}px`;
  box.style.maxHeight = `${Math.max(120, frame.height - top - 8)}px`;
  const width = box.getBoundingClientRect().width;
  box.style.left = `${Math.max(8, Math.min(spot.left - frame.left, frame.width - width - 8))}px`;
}

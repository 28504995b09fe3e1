// Lists that open over the canvas: menus with submenus, and the filterable list of a combo. Text only, never HTML.
import type { MenuEntry } from "../graph/types";

export interface PopupPlace {
  /** Relative to the parent. */
  x: number;
  y: number;
  width?: number;
  /** Open above this line where there is no room below. */
  above?: number;
}

const ROW = 26;

/** Keeps a popup inside its parent (a frame cannot be left). */
export function placePopup(element: HTMLElement, parent: HTMLElement, place: PopupPlace): void {
  const { clientWidth, clientHeight } = parent;
  element.style.maxHeight = `${Math.max(clientHeight - 8, 60)}px`;
  const { offsetWidth, offsetHeight } = element;
  let top = place.y;
  if (top + offsetHeight > clientHeight - 4) {
    const above = place.above === undefined ? clientHeight - 4 - offsetHeight : place.above - offsetHeight;
    top = Math.max(4, above >= 4 ? above : clientHeight - 4 - offsetHeight);
  }
  element.style.left = `${Math.max(4, Math.min(place.x, clientWidth - offsetWidth - 4))}px`;
  element.style.top = `${top}px`;
}

export interface MenuHandle {
  element: HTMLElement;
  close(): void;
}

/** A context menu; closes on a choice, Escape or a press elsewhere. */
export function openMenu(
  parent: HTMLElement, place: PopupPlace, items: (MenuEntry | null)[], options: { title?: string; onClose?: () => void } = {},
): MenuHandle {
  const element = document.createElement("div");
  element.className = "cn-menu";
  element.tabIndex = -1;
  element.setAttribute("role", "menu");
  if (options.title) element.append(textElement("div", "cn-menu-title", options.title));
  let child: MenuHandle | null = null;
  let index = -1;
  const rows: { row: HTMLElement; entry: MenuEntry }[] = [];
  const close = (): void => {
    if (!element.isConnected) return;
    child?.close();
    element.remove();
    document.removeEventListener("pointerdown", onOutside, true);
    options.onClose?.();
  };
  const onOutside = (event: Event): void => {
    if (!(event.target instanceof Element && event.target.closest(".cn-menu"))) close();
  };
  const openChild = (row: HTMLElement, entry: MenuEntry): void => {
    child?.close();
    child = null;
    if (!entry.submenu || entry.disabled) return;
    const right = element.offsetLeft + element.offsetWidth - 4;
    const fits = right + 180 < parent.clientWidth;
    child = openMenu(parent, { x: fits ? right : element.offsetLeft - 176, y: element.offsetTop + row.offsetTop - element.scrollTop - 4 },
      entry.submenu.map((item) => item && wrapAction(item, close)));
  };
  const activate = (row: HTMLElement, entry: MenuEntry): void => {
    if (entry.disabled) return;
    if (entry.submenu) return openChild(row, entry);
    close();
    entry.action?.();
  };
  const mark = (next: number): void => {
    index = next;
    rows.forEach(({ row }, i) => row.classList.toggle("cn-on", i === index));
    rows[index]?.row.scrollIntoView?.({ block: "nearest" });
  };
  for (const entry of items) {
    if (!entry) {
      if (element.lastElementChild && element.lastElementChild.tagName !== "HR") element.append(document.createElement("hr"));
      continue;
    }
    const row = menuRow(entry);
    const at = rows.push({ row, entry }) - 1;
    row.addEventListener("pointerenter", () => {
      mark(at);
      openChild(row, entry);
    });
    row.addEventListener("click", () => activate(row, entry));
    element.append(row);
  }
  if (element.lastElementChild?.tagName === "HR") element.lastElementChild.remove();
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const current = rows[index];
    if (step && rows.length) mark((index + step + rows.length) % rows.length);
    else if ((event.key === "Enter" || event.key === " " || event.key === "ArrowRight") && current) {
      if (event.key !== "ArrowRight" || current.entry.submenu) activate(current.row, current.entry);
      child?.element.focus();
    } else if (event.key === "Escape" || event.key === "ArrowLeft") close();
    else return;
    event.preventDefault();
  });
  parent.append(element);
  placePopup(element, parent, place);
  document.addEventListener("pointerdown", onOutside, true);
  element.focus({ preventScroll: true });
  return { element, close };
}

function wrapAction(entry: MenuEntry, close: () => void): MenuEntry {
  return {
    ...entry,
    action: entry.action && (() => {
      close();
      entry.action?.();
    }),
    submenu: entry.submenu?.map((item) => item && wrapAction(item, close)),
  };
}

function menuRow(entry: MenuEntry): HTMLElement {
  const row = document.createElement("div");
  row.className = `cn-menu-item${entry.danger ? " cn-danger" : ""}`;
  row.setAttribute("role", "menuitem");
  if (entry.disabled) row.setAttribute("aria-disabled", "true");
  row.append(textElement("span", "cn-label", (entry.checked ? "✓ " : "") + entry.label));
  if (entry.submenu) row.append(textElement("span", "cn-hint", "›"));
  else if (entry.hint) row.append(textElement("span", "cn-hint", entry.hint));
  return row;
}

export interface ChoiceOptions {
  choices: readonly unknown[];
  value: unknown;
  label: string;
  minWidth: number;
  multiple?: boolean;
  format?: (choice: unknown) => string;
  onChoose: (choice: unknown) => void;
  onClose?: () => void;
}

/** The list of a combo: type to filter, arrows and Enter to choose; only the visible rows exist. */
export function openChoices(parent: HTMLElement, place: PopupPlace, options: ChoiceOptions): () => void {
  const format = options.format ?? String;
  const element = document.createElement("div");
  element.className = "cn-menu cn-combo";
  element.style.minWidth = `${options.minWidth}px`;
  const search = document.createElement("input");
  search.type = "text";
  search.placeholder = "Filter";
  search.setAttribute("aria-label", `Filter ${options.label}`);
  search.spellcheck = false;
  const list = document.createElement("div");
  list.setAttribute("role", "listbox");
  element.append(search, list);
  let shown: unknown[] = [...options.choices];
  let index = Math.max(0, shown.indexOf(options.value));
  let chosen = new Set(options.multiple && Array.isArray(options.value) ? options.value : [options.value]);
  let open = true;

  const close = (): void => {
    if (!open) return;
    open = false;
    document.removeEventListener("pointerdown", onOutside, true);
    element.remove();
    options.onClose?.();
  };
  const onOutside = (event: Event): void => {
    if (!element.contains(event.target as Node)) close();
  };
  const choose = (choice: unknown): void => {
    if (options.multiple) {
      chosen = new Set(chosen);
      if (!chosen.delete(choice)) chosen.add(choice);
      options.onChoose(options.choices.filter((item) => chosen.has(item)));
      return draw();
    }
    close();
    options.onChoose(choice);
  };
  const draw = (): void => {
    const height = Math.min(Math.max(shown.length, 1), 12) * ROW;
    list.style.height = `${height}px`;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(shown.length, first + Math.ceil(height / ROW) + 9);
    const rows: HTMLElement[] = [];
    for (let i = first; i < last; i++) {
      const choice = shown[i];
      const row = document.createElement("div");
      row.className = `cn-menu-item${i === index ? " cn-on" : ""}${chosen.has(choice) ? " cn-current" : ""}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(i === index));
      row.title = format(choice);
      row.append(textElement("span", "cn-label", (options.multiple && chosen.has(choice) ? "✓ " : "") + format(choice)));
      row.addEventListener("click", () => choose(choice));
      row.addEventListener("pointermove", () => {
        if (index === i) return;
        index = i;
        for (const other of rows) other.classList.toggle("cn-on", other === row);
      });
      rows.push(row);
    }
    const top = spacer(first * ROW);
    const none = shown.length ? [] : [textElement("div", "cn-none", options.choices.length ? "No match" : "Nothing to choose from")];
    list.replaceChildren(top, ...rows, ...none, spacer((shown.length - last) * ROW));
  };
  const reveal = (): void => {
    const height = list.clientHeight || 12 * ROW;
    if (index * ROW < list.scrollTop) list.scrollTop = index * ROW;
    else if ((index + 1) * ROW > list.scrollTop + height) list.scrollTop = (index + 1) * ROW - height;
    draw();
  };
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = options.choices.filter((choice) => {
      const text = format(choice).toLowerCase();
      return words.every((word) => text.includes(word));
    });
    index = 0;
    list.scrollTop = 0;
    draw();
  });
  element.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const step = steps[event.key];
    if (step !== undefined) {
      index = Math.min(Math.max(index + step, 0), Math.max(shown.length - 1, 0));
      reveal();
    } else if (event.key === "Enter") {
      if (shown.length) choose(shown[index]);
    } else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("scroll", draw);
  element.addEventListener("wheel", (event) => event.stopPropagation());
  parent.append(element);
  draw();
  // wide enough for the longest of the first entries
  const longest = options.choices.slice(0, 400).reduce<number>((most, choice) => Math.max(most, format(choice).length), 0);
  element.style.width = `${Math.max(options.minWidth, Math.min(longest * 7.2 + 44, 420, parent.clientWidth - 16))}px`;
  element.style.maxWidth = "none";
  placePopup(element, parent, place);
  reveal();
  document.addEventListener("pointerdown", onOutside, true);
  search.focus({ preventScroll: true });
  return close;
}

function spacer(height: number): HTMLElement {
  const element = document.createElement("div");
  element.style.height = `${Math.max(height, 0)}px`;
  return element;
}

function textElement(tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

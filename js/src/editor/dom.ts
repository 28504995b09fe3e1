// Making elements. Text is always set as text: titles and messages come from workflows and nodes.

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** `h("button", {class: "x", onclick: f, "aria-label": "Run", hidden: true}, "Run")` */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = String(value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "value") (element as HTMLInputElement).value = String(value);
    else if (name === "checked") (element as HTMLInputElement).checked = true;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Calls `close` on a press outside of `inside`; returns the function that stops listening. */
export function onPressOutside(root: HTMLElement, inside: Element[], close: () => void): () => void {
  const listener = (event: Event) => {
    const path = event.composedPath();
    if (!inside.some((element) => path.includes(element))) close();
  };
  root.addEventListener("pointerdown", listener, true);
  return () => root.removeEventListener("pointerdown", listener, true);
}

/** Keeps Tab inside a dialog. */
export function trapFocus(dialog: HTMLElement): void {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const stops = [...dialog.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
      (element) => element.tabIndex >= 0 && !element.hasAttribute("disabled") && (element.checkVisibility?.() ?? true),
    );
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  });
}

/** "0:07", "12:40", "1:02:09" */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

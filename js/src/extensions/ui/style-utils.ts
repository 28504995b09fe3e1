// scripts/ui/utils.js: class lists given as text, lists or switches, and elements taken out of the page and put back.

export type ClassList = string | string[] | Record<string, unknown> | null | undefined;

/** Sets the element's classes to `classList` plus `required`. */
export function applyClasses(element: Element, classList: ClassList, ...required: string[]): void {
  const names = typeof classList === "string" ? classList : Array.isArray(classList) ? classList.join(" ")
    : Object.entries(classList ?? {}).filter(([, on]) => on).map(([name]) => name).join(" ");
  element.className = [...required, names].join(" ").trim().replace(/\s+/g, " ");
}

/** A switch that puts `element` where it was (true) or takes it out (false). */
export function toggleElement(element: HTMLElement, { onHide, onShow }: { onHide?: (element: HTMLElement) => void; onShow?: (element: HTMLElement, value: unknown) => void } = {}): (value: unknown) => void {
  const place = document.createComment("");
  return (value) => {
    if (value) {
      onShow?.(element, value);
      if (place.parentNode) place.replaceWith(element);
    } else {
      onHide?.(element);
      if (element.parentNode) element.replaceWith(place);
    }
  };
}

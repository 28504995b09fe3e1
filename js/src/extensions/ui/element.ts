// `$el` of scripts/ui.js: makes an element from "tag.class.class", properties and children, as packs write it.

export interface ElProps {
  /** Where the element is appended. */
  parent?: Element | null;
  /** Called with the element once it is whole. */
  $?: (element: HTMLElement) => void;
  dataset?: DOMStringMap;
  style?: string | Partial<CSSStyleDeclaration>;
  for?: string;
  [property: string]: unknown;
}

export type ElChildren = string | Node | (string | Node | null | undefined | false)[];

/** What may stand in the place of the properties: children without properties. */
const isChildren = (value: unknown): value is ElChildren => typeof value === "string" || value instanceof Node || Array.isArray(value);

export function $el<T extends HTMLElement = HTMLElement>(tag: string, propsOrChildren?: ElProps | ElChildren | null, children?: ElChildren | null): T {
  const [name = "div", ...classes] = tag.split(".");
  const element = document.createElement(name) as HTMLElement as T;
  const named = classes.filter(Boolean);
  if (named.length > 0) element.classList.add(...named);
  if (isChildren(propsOrChildren)) appendAll(element, propsOrChildren);
  else if (propsOrChildren) applyProps(element, propsOrChildren);
  if (children != null) appendAll(element, children);
  if (propsOrChildren && !isChildren(propsOrChildren)) {
    propsOrChildren.parent?.append(element);
    propsOrChildren.$?.(element);
  }
  return element;
}

function appendAll(element: HTMLElement, children: ElChildren): void {
  const list = Array.isArray(children) ? children : [children];
  element.append(...list.filter((child): child is string | Node => child !== null && child !== undefined && child !== false));
}

function applyProps(element: HTMLElement, { parent: _parent, $: _callback, dataset, style, for: htmlFor, ...rest }: ElProps): void {
  Object.assign(element, rest);
  if (dataset) Object.assign(element.dataset, dataset);
  if (typeof style === "string") element.style.cssText = style;
  else if (style) Object.assign(element.style, style);
  if (htmlFor) element.setAttribute("for", htmlFor);
}

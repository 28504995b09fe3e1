// Pieces of HTML that packs insert: read where nothing loads, the kernel's addresses taken out, then put in place.

import type { Elements } from "./elements";

const MAY_LOAD = /\s(?:src|srcset|poster|href|data|xlink:href)\s*=/i;

export function bridgeHtml(window: Window & typeof globalThis, elements: Elements): void {
  const { Element, ShadowRoot, DOMParser, Range } = window;
  const inert = window.document.implementation.createHTMLDocument("");
  const inner = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML")!;
  const outer = Object.getOwnPropertyDescriptor(Element.prototype, "outerHTML")!;

  /** The nodes that `html` makes inside `context`, and those that wait to be loaded. */
  const read = (context: Element, html: string): { nodes: Node[]; held: Element[] } => {
    const stand = inert.createElementNS(context.namespaceURI, context.localName);
    inner.set!.call(stand, html);
    const root: Element | DocumentFragment = stand instanceof window.HTMLTemplateElement ? stand.content : stand;
    return { held: elements.hold(root), nodes: [...root.childNodes] };
  };
  const place = (context: Element, html: string, put: (...nodes: Node[]) => void): void => {
    const { nodes, held } = read(context, html);
    put(...nodes);
    for (const element of held) elements.release(element);
  };

  Object.defineProperty(Element.prototype, "innerHTML", {
    ...inner,
    set(this: Element, html: unknown) {
      const text = html === null ? "" : String(html);
      if (!MAY_LOAD.test(text)) return inner.set!.call(this, text);
      if (this instanceof window.HTMLTemplateElement) {
        inner.set!.call(this, text);
        return void elements.hold(this.content); // released when a copy comes into the page
      }
      place(this, text, (...nodes) => this.replaceChildren(...nodes));
    },
  });
  const shadow = Object.getOwnPropertyDescriptor(ShadowRoot.prototype, "innerHTML");
  if (shadow) {
    Object.defineProperty(ShadowRoot.prototype, "innerHTML", {
      ...shadow,
      set(this: ShadowRoot, html: unknown) {
        if (!MAY_LOAD.test(String(html))) return shadow.set!.call(this, html);
        place(this.host, String(html), (...nodes) => this.replaceChildren(...nodes));
      },
    });
  }
  Object.defineProperty(Element.prototype, "outerHTML", {
    ...outer,
    set(this: Element, html: unknown) {
      if (!MAY_LOAD.test(String(html)) || !this.parentElement) return outer.set!.call(this, html);
      place(this.parentElement, String(html), (...nodes) => this.replaceWith(...nodes));
    },
  });
  const { insertAdjacentHTML } = Element.prototype;
  Element.prototype.insertAdjacentHTML = function (this: Element, where: InsertPosition, html: string) {
    const side = where.toLowerCase();
    const context = side === "beforebegin" || side === "afterend" ? this.parentElement : this;
    if (!MAY_LOAD.test(String(html)) || !context) return insertAdjacentHTML.call(this, where, html);
    const put = { beforebegin: "before", afterbegin: "prepend", beforeend: "append", afterend: "after" } as const;
    if (!(side in put)) return insertAdjacentHTML.call(this, where, html);
    place(context, String(html), (...nodes) => this[put[side as keyof typeof put]](...nodes));
  };
  const { createContextualFragment } = Range.prototype;
  Range.prototype.createContextualFragment = function (this: Range, html: string) {
    // Scripts in such a fragment run, those of inert text don't.
    if (!MAY_LOAD.test(String(html)) || /<script/i.test(html)) return createContextualFragment.call(this, html);
    const start = this.startContainer;
    const context = start instanceof window.Element ? start : (start.parentElement ?? window.document.body);
    const fragment = window.document.createDocumentFragment();
    place(context.localName === "html" ? window.document.body : context, String(html), (...nodes) => fragment.append(...nodes));
    return fragment;
  };
  const { parseFromString } = DOMParser.prototype;
  DOMParser.prototype.parseFromString = function (this: DOMParser, text: string, type: DOMParserSupportedType) {
    const parsed = parseFromString.call(this, text, type);
    if (type === "text/html") elements.hold(parsed); // released when they come into the page
    return parsed;
  };
}

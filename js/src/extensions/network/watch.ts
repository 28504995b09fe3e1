// What comes into the page past the setters: elements parsed elsewhere, styles, style sheets. Observers run before the
// browser draws, so nothing is asked of an address where nobody answers.

import type { Styles } from "./css";
import type { Elements } from "./elements";

const OPTIONS: MutationObserverInit = { subtree: true, childList: true, attributes: true, attributeFilter: ["style"] };

export function watch(window: Window & typeof globalThis, elements: Elements, styles: Styles): void {
  const mendStyle = (element: Element) => {
    const { style } = element as HTMLElement;
    // Styles change at every frame while a node is dragged.
    if (style?.length && style.cssText.includes("url(")) styles.mend(style);
  };
  const mendSheet = (element: Element) => {
    const { sheet, textContent } = element as HTMLStyleElement;
    if (!sheet || !textContent?.includes("url(")) return;
    try {
      styles.mendRules(sheet.cssRules);
    } catch {
      // not loaded yet, or of another origin
    }
  };
  const visit = (element: Element) => {
    elements.release(element);
    if (element.localName === "style") mendSheet(element);
    else if (element.hasAttribute("style")) mendStyle(element);
  };
  const observer = new window.MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === "attributes") mendStyle(target as Element);
      else if ((target as Element).localName === "style") mendSheet(target as Element);
      for (const node of addedNodes) {
        if (!(node instanceof window.Element)) continue;
        visit(node);
        for (const inner of node.querySelectorAll("*")) visit(inner);
      }
    }
  });
  observer.observe(window.document, OPTIONS);

  const { attachShadow } = window.Element.prototype;
  window.Element.prototype.attachShadow = function (this: Element, init: ShadowRootInit) {
    const root = attachShadow.call(this, init);
    observer.observe(root, OPTIONS);
    return root;
  };

  // What is drawn may be asked for in the same breath.
  for (const [prototype, name] of [[window.Node.prototype, "textContent"], [window.HTMLElement.prototype, "innerText"]] as const) {
    const native = Object.getOwnPropertyDescriptor(prototype, name)!;
    Object.defineProperty(window.HTMLStyleElement.prototype, name, {
      ...native,
      set(this: HTMLStyleElement, text: unknown) {
        native.set!.call(this, text);
        mendSheet(this);
      },
    });
  }

  const { insertRule, replaceSync, replace } = window.CSSStyleSheet.prototype;
  Object.assign(window.CSSStyleSheet.prototype, {
    insertRule(this: CSSStyleSheet, rule: string, index?: number) {
      const at = insertRule.call(this, rule, index);
      if (String(rule).includes("url(")) styles.mendRules([this.cssRules[at]] as unknown as CSSRuleList);
      return at;
    },
    replaceSync(this: CSSStyleSheet, text: string) {
      replaceSync.call(this, text);
      if (String(text).includes("url(")) styles.mendRules(this.cssRules);
    },
    replace(this: CSSStyleSheet, text: string) {
      return replace.call(this, text).then((sheet) => {
        if (String(text).includes("url(")) styles.mendRules(sheet.cssRules);
        return sheet;
      });
    },
  });
}

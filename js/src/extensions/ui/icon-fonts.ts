// The icon fonts that packs count on, fetched from the kernel when the first icon of a font is on the page.

import type { Host } from "../../host";

/** Class → family. */
const FONTS = { pi: "primeicons", mdi: "Material Design Icons" } as const;
type FontClass = keyof typeof FONTS;

/** Watches the page until both fonts are there; returns how to stop. */
export function watchIcons(host: Pick<Host, "request">, page: Document): () => void {
  const waiting = new Set(Object.keys(FONTS) as FontClass[]);
  const look = () => {
    for (const name of waiting) {
      if (page.getElementsByClassName(name).length === 0) continue;
      waiting.delete(name);
      loadFont(host, page, name).catch((error: unknown) => console.warn(`comfy_notebook: the icons ${name} could not be read: ${String(error)}`));
    }
    if (waiting.size === 0) observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(page.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  look();
  return () => observer.disconnect();
}

async function loadFont(host: Pick<Host, "request">, page: Document, name: FontClass): Promise<void> {
  const [rules, file] = await Promise.all([host.request(`/cn/icons/${name}.css`), host.request(`/cn/icons/${name}.woff2`)]);
  if (!rules.ok || !file.ok) throw new Error(`status ${rules.ok ? file.status : rules.status}`);
  const font = new FontFace(FONTS[name], await file.arrayBuffer());
  page.fonts.add(await font.load());
  const style = page.createElement("style");
  style.textContent = await rules.text();
  page.head.append(style);
}

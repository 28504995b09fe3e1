// Addresses in style sheets. A sheet from the kernel gets blob URLs in its text; styles that are there already are mended in
// place before the browser draws them.

import { ORIGIN } from "../loading/names";
import type { Addresses } from "./addresses";
import type { Files } from "./files";

const URLS = /\/\*[\s\S]*?\*\/|(@import\s+)(?:"([^"]*)"|'([^']*)')|url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s][^)\s]*))\s*\)/g;
/** Stands in while a file is on its way, so that nothing is asked of an address where nobody answers. */
const BLANK = "data:,";

export class Styles {
  private readonly sheets = new Map<string, Promise<string>>();

  constructor(
    private readonly addresses: Addresses,
    private readonly files: Files,
    private readonly ask: (path: string) => Promise<Response>,
  ) {}

  /** A blob URL of the sheet at `path`, its own addresses mapped; rejects when the kernel does not have it. */
  sheetUrl(path: string): Promise<string> {
    const known = this.sheets.get(path) ?? this.makeSheet(path, []);
    this.sheets.set(path, known);
    known.catch(() => this.sheets.delete(path));
    return known;
  }

  /** `way`: the sheets that import it. Sheets may import each other in a circle. */
  private async makeSheet(path: string, way: string[]): Promise<string> {
    const response = await this.ask(path);
    if (!response.ok) throw new Error(`${path}: the kernel answered ${response.status}`);
    const text = await this.mapped(await response.text(), ORIGIN + path, [...way, path]);
    return URL.createObjectURL(new Blob([text], { type: "text/css" }));
  }

  /** `text` with blob URLs for the kernel's files, addresses being relative to `base`. */
  async mapped(text: string, base: string, way: string[] = []): Promise<string> {
    const found = [...text.matchAll(URLS)].map((match) => {
      const [all, atImport, ...addresses] = match;
      const address = addresses.find((one) => one !== undefined);
      const isImport = atImport !== undefined || /@import\s+$/.test(text.slice(0, match.index));
      return { at: match.index, all, address, isImport };
    });
    const replaced = await Promise.all(found.map(({ address, isImport }) => (address === undefined ? null : this.replacement(address, base, isImport, way))));
    let at = 0;
    let result = "";
    found.forEach(({ at: start, all }, index) => {
      const url = replaced[index];
      if (url === null || url === undefined) return;
      result += text.slice(at, start) + (all.startsWith("@import") ? `@import url("${url}")` : `url("${url}")`);
      at = start + all.length;
    });
    return result + text.slice(at);
  }

  private async replacement(address: string, base: string, isImport: boolean, way: string[]): Promise<string | null> {
    if (!address || address.startsWith("#")) return null;
    let absolute: URL;
    try {
      absolute = new URL(address, base);
    } catch {
      return null;
    }
    const path = this.addresses.kernelPath(absolute);
    if (path === null) return null;
    if (isImport && way.includes(path)) return BLANK;
    return (isImport ? this.makeSheet(path, way) : this.files.url(path)).then((url) => url + absolute.hash, () => BLANK);
  }

  /** Maps what a declaration names of the kernel's files: first to nothing, then to the file. */
  mend(style: CSSStyleDeclaration): void {
    for (const name of [...style]) {
      const value = style.getPropertyValue(name);
      if (!value.includes("url(") || !this.namesKernel(value)) continue;
      const priority = style.getPropertyPriority(name);
      style.setProperty(name, value.replace(URLS, (all, ...rest: unknown[]) => (this.isKernel(rest) ? `url("${BLANK}")` : all)), priority);
      const interim = style.getPropertyValue(name);
      void this.mapped(value, document.baseURI).then((text) => {
        if (style.getPropertyValue(name) === interim) style.setProperty(name, text, priority);
      });
    }
  }

  private namesKernel(value: string): boolean {
    return [...value.matchAll(URLS)].some((match) => this.isKernel(match.slice(1)));
  }

  private isKernel(groups: unknown[]): boolean {
    const address = groups.slice(1, 6).find((one) => typeof one === "string");
    return address !== undefined && !String(address).startsWith("#") && this.addresses.kernelPath(address) !== null;
  }

  /** Maps the rules of a sheet that did not come from a file. */
  mendRules(rules: CSSRuleList): void {
    for (const rule of rules) {
      const { style, cssRules } = rule as CSSRule & { style?: CSSStyleDeclaration; cssRules?: CSSRuleList };
      if (style && rule.cssText.includes("url(")) this.mend(style);
      if (cssRules) this.mendRules(cssRules);
    }
  }
}

// Elements that load by themselves: an address of the kernel is kept beside the attribute, which gets the file's blob URL
// once it is there. Packs read back what they wrote.

import type { Addresses } from "./addresses";
import type { Files } from "./files";
import type { Styles } from "./css";

/** Attributes that name a file to load, by tag name. */
const LOADING: Readonly<Record<string, readonly string[]>> = {
  img: ["src", "srcset"], video: ["src", "poster"], audio: ["src"], source: ["src", "srcset"], track: ["src"], input: ["src"],
  embed: ["src"], object: ["data"], link: ["href"], script: ["src"], iframe: ["src"], image: ["href"],
};
const NAMES = [...new Set(Object.values(LOADING).flat())];
const XLINK = "http://www.w3.org/1999/xlink";
/** Fails at once and asks nobody, so that `error` is fired. */
const BROKEN = "data:image/png,";

/** Sources of `<script>`s. */
export interface Scripts {
  classic(path: string): Promise<string>;
  module(path: string): Promise<string>;
}

export class Elements {
  private readonly loads = new WeakMap<Element, Map<string, object>>();
  private readonly native: { set: typeof Element.prototype.setAttribute; get: typeof Element.prototype.getAttribute; remove: typeof Element.prototype.removeAttribute };
  /** Scripts that keep their order wait for the one before. */
  private order: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly window: Window & typeof globalThis,
    private readonly addresses: Addresses,
    private readonly files: Files,
    private readonly styles: Styles,
    private readonly scripts: Scripts,
  ) {
    const { setAttribute, getAttribute, removeAttribute } = window.Element.prototype;
    this.native = { set: setAttribute, get: getAttribute, remove: removeAttribute };
  }

  install(): void {
    this.patchAttributes();
    const { window } = this;
    const properties: [{ prototype: object }, string][] = [
      [window.HTMLImageElement, "src"], [window.HTMLImageElement, "srcset"], [window.HTMLMediaElement, "src"], [window.HTMLVideoElement, "poster"],
      [window.HTMLSourceElement, "src"], [window.HTMLSourceElement, "srcset"], [window.HTMLTrackElement, "src"], [window.HTMLInputElement, "src"],
      [window.HTMLEmbedElement, "src"], [window.HTMLObjectElement, "data"], [window.HTMLLinkElement, "href"], [window.HTMLScriptElement, "src"],
      [window.HTMLIFrameElement, "src"],
    ];
    for (const [{ prototype }, name] of properties) this.patchProperty(prototype, name);
    this.patchWaiting();
  }

  /** The address that stands for an attribute, where the kernel has the file. */
  address(element: Element, name: string): string | null {
    return this.native.get.call(element, marker(name));
  }

  /** The file is on its way. */
  isLoading(element: Element, name: string): boolean {
    return this.loads.get(element)?.has(name) ?? false;
  }

  /** Sets an attribute as a page would; false where that is the browser's business. */
  set(element: Element, name: string, value: string): boolean {
    if (!LOADING[element.localName]?.includes(name)) return false;
    this.loads.get(element)?.delete(name);
    if (!this.isOurs(name, value)) {
      this.native.remove.call(element, marker(name));
      return false;
    }
    this.native.set.call(element, marker(name), value);
    this.start(element, name, value);
    return true;
  }

  /** Turns attributes that the browser was to load from into ours, without loading yet; for elements not in use so far. */
  hold(root: ParentNode): Element[] {
    const held: Element[] = [];
    for (const element of root.querySelectorAll(Object.keys(LOADING).join(","))) {
      for (const name of LOADING[element.localName] ?? []) {
        const value = this.native.get.call(element, name) ?? (name === "href" ? element.getAttributeNS(XLINK, "href") : null);
        if (value === null || !this.isOurs(name, value)) continue;
        this.native.remove.call(element, name);
        element.removeAttributeNS(XLINK, name);
        this.native.set.call(element, marker(name), value);
        held.push(element);
      }
    }
    return held;
  }

  /** Loads what was held, and what came into the page past us. */
  release(element: Element): void {
    for (const name of LOADING[element.localName] ?? []) {
      const held = this.address(element, name);
      const value = this.native.get.call(element, name) ?? (name === "href" ? element.getAttributeNS(XLINK, name) : null);
      if (value !== null && this.isOurs(name, value)) this.set(element, name, value);
      else if (value === null && held !== null && !this.isLoading(element, name)) this.start(element, name, held);
    }
  }

  private start(element: Element, name: string, value: string): void {
    const load = {};
    const loads = this.loads.get(element) ?? new Map<string, object>();
    this.loads.set(element, loads.set(name, load));
    const finish = (url: string) => {
      if (loads.get(name) !== load) return; // another address was set meanwhile
      loads.delete(name);
      this.native.set.call(element, name, url);
    };
    const fail = () => {
      if (element.localName !== "link" && element.localName !== "script") return finish(BROKEN);
      if (loads.get(name) === load && loads.delete(name)) element.dispatchEvent(new Event("error")); // a browser would run or complain about anything else
    };
    this.load(element, name, value).then(finish, fail);
  }

  private async load(element: Element, name: string, value: string): Promise<string> {
    if (name === "srcset") return this.loadSet(value);
    const path = this.addresses.kernelPath(value)!;
    const fragment = /#.*/s.exec(value)?.[0] ?? "";
    if (element.localName === "script") return this.loadScript(element as HTMLScriptElement, path);
    if (element.localName === "link") {
      await Promise.resolve(); // `rel` is often set after `href`
      const rel = (element as HTMLLinkElement).rel.toLowerCase();
      if (!/\b(?:stylesheet|icon)\b/.test(rel)) return BROKEN; // preloading and the like
      return rel.includes("stylesheet") ? this.styles.sheetUrl(path) : this.files.url(path);
    }
    return (await (element.localName === "img" ? this.files.picture(path) : this.files.url(path))) + fragment;
  }

  private async loadScript(script: HTMLScriptElement, path: string): Promise<string> {
    await Promise.resolve(); // `type` may be set after `src`
    const url = script.type === "module" ? this.scripts.module(path) : this.scripts.classic(path);
    if (script.async) return url;
    const turn = this.order;
    this.order = url.catch(() => undefined);
    await turn;
    return url;
  }

  private async loadSet(value: string): Promise<string> {
    const parts = value.split(/,\s+|,(?=[^\s,]*\s)/).map((part) => part.trim().split(/\s+/));
    const done = parts.map(async ([address = "", ...size]) => {
      const path = this.addresses.kernelPath(address);
      return [path === null ? address : await this.files.picture(path), ...size].join(" ");
    });
    return (await Promise.all(done)).join(", ");
  }

  private isOurs(name: string, value: string): boolean {
    const addresses = name === "srcset" ? value.split(",").map((part) => part.trim().split(/\s+/)[0]) : [value];
    return addresses.some((address) => this.addresses.kernelPath(address) !== null);
  }

  private patchAttributes(): void {
    const { native } = this;
    const set = (element: Element, name: string, value: string) => this.set(element, name, value);
    const address = (element: Element, name: string) => this.address(element, name);
    const drop = (element: Element, name: string) => {
      this.loads.get(element)?.delete(name);
      native.remove.call(element, marker(name));
    };
    Object.assign(this.window.Element.prototype, {
      setAttribute(this: Element, name: string, value: string) {
        if (!NAMES.includes(String(name).toLowerCase()) || !set(this, String(name).toLowerCase(), String(value))) native.set.call(this, name, value);
      },
      getAttribute(this: Element, name: string) {
        return (NAMES.includes(name) ? address(this, name) : null) ?? native.get.call(this, name);
      },
      removeAttribute(this: Element, name: string) {
        if (NAMES.includes(name)) drop(this, name);
        native.remove.call(this, name);
      },
    });
    const { setAttributeNS } = this.window.Element.prototype;
    this.window.Element.prototype.setAttributeNS = function (this: Element, space: string | null, name: string, value: string) {
      const local = name.replace(/^.*:/, "");
      if (!NAMES.includes(local) || !set(this, local, String(value))) setAttributeNS.call(this, space, name, value);
    };
  }

  private patchProperty(prototype: object, name: string): void {
    const native = Object.getOwnPropertyDescriptor(prototype, name);
    if (!native?.set || !native.get) return;
    const { addresses } = this;
    const address = (element: Element) => this.address(element, name);
    const set = (element: Element, value: string) => this.set(element, name, value);
    Object.defineProperty(prototype, name, {
      ...native,
      get(this: Element) {
        const own = address(this);
        return own === null ? native.get!.call(this) : name === "srcset" ? own : addresses.absolute(own);
      },
      set(this: Element, value: unknown) {
        if (!set(this, String(value))) native.set!.call(this, value);
      },
    });
  }

  /** While a file is on its way the browser believes there is nothing to wait for. */
  private patchWaiting(): void {
    const isLoading = (element: Element) => this.isLoading(element, "src");
    const image = this.window.HTMLImageElement.prototype;
    const complete = Object.getOwnPropertyDescriptor(image, "complete")!;
    Object.defineProperty(image, "complete", {
      ...complete,
      get(this: HTMLImageElement) {
        return !isLoading(this) && (complete.get!.call(this) as boolean);
      },
    });
    const arrived = (element: Element) => new Promise<void>((resolve) => {
      const check = () => (isLoading(element) ? setTimeout(check, 20) : resolve());
      check();
    });
    const { decode } = image;
    image.decode = function (this: HTMLImageElement) {
      return isLoading(this) ? arrived(this).then(() => decode.call(this)) : decode.call(this);
    };
    const media = this.window.HTMLMediaElement.prototype;
    const { play } = media;
    media.play = function (this: HTMLMediaElement) {
      return isLoading(this) ? arrived(this).then(() => play.call(this)) : play.call(this);
    };
  }
}

function marker(name: string): string {
  return `data-comfy-${name}`;
}

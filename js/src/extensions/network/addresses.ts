// Which addresses stand for the kernel: those of the frame's base, where nothing answers, and those of the notebook page,
// whose server is none of the packs' business.

import { ORIGIN } from "../loading/names";

const SCHEMES = /^(?:https?|wss?):$/;

export class Addresses {
  private readonly hosts: Set<string>;

  constructor(private readonly window: Window) {
    this.hosts = new Set([new URL(ORIGIN).host, window.location.host].filter(Boolean));
  }

  /** Path and query to ask the kernel for; null for addresses elsewhere and what is no address. */
  kernelPath(address: unknown): string | null {
    const text = String(address);
    if (!text || text.startsWith("blob:") || text.startsWith("data:")) return null;
    let url: URL;
    try {
      url = new URL(text, this.window.document.baseURI);
    } catch {
      return null;
    }
    return SCHEMES.test(url.protocol) && this.hosts.has(url.host) ? url.pathname + url.search : null;
  }

  /** The address as a property such as `img.src` gives it. */
  absolute(address: string): string {
    try {
      return new URL(address, this.window.document.baseURI).href;
    } catch {
      return address;
    }
  }
}

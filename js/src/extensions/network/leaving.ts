// Ways out of the page: links that save or open one of the kernel's files, and windows opened on one.

import type { Addresses } from "./addresses";
import type { Files } from "./files";

export function bridgeLeaving(window: Window & typeof globalThis, addresses: Addresses, files: Files): void {
  const { HTMLAnchorElement, document } = window;
  const { click } = HTMLAnchorElement.prototype;

  /** Like a click on `anchor`, with the file's blob in the place of its address. */
  const follow = (anchor: HTMLAnchorElement, path: string): void => {
    const { download, target } = anchor;
    const saves = anchor.hasAttribute("download");
    const opened = saves ? null : open.call(window, "about:blank", target || "_blank");
    files.url(path).then(
      (url) => {
        if (!saves) return void (opened && opened.location.replace(url));
        const own = document.createElement("a");
        own.href = url;
        own.download = download || decodeURIComponent(new URL(path, document.baseURI).searchParams.get("filename") ?? path.replace(/[?#].*/, "").split("/").at(-1)!);
        click.call(own);
      },
      (error: Error) => console.error(`The file was not fetched: ${error.message}`),
    );
  };

  window.addEventListener("click", (event) => {
    const anchor = event.composedPath().find((one) => one instanceof HTMLAnchorElement);
    const path = anchor?.hasAttribute("href") ? addresses.kernelPath(anchor.href) : null;
    if (event.defaultPrevented || !anchor || path === null || isWithin(anchor)) return;
    event.preventDefault();
    follow(anchor, path);
  });
  HTMLAnchorElement.prototype.click = function (this: HTMLAnchorElement) {
    const path = this.hasAttribute("href") && !isWithin(this) ? addresses.kernelPath(this.href) : null;
    if (this.isConnected || path === null) click.call(this);
    else follow(this, path);
  };

  const { open } = window;
  window.open = (url?: string | URL, target?: string, features?: string) => {
    const path = url === undefined || url === "" ? null : addresses.kernelPath(url);
    if (path === null) return open.call(window, url, target, features);
    const opened = open.call(window, "about:blank", target, features?.replace(/\bno(?:opener|referrer)\b,?/g, ""));
    files.url(path).then(
      (blob) => opened?.location.replace(blob),
      () => opened?.close(),
    );
    return opened;
  };
}

/** `href="#x"` stays in the page. */
function isWithin(anchor: HTMLAnchorElement): boolean {
  return anchor.getAttribute("href")!.startsWith("#");
}

// Joins a frame's network to the kernel: whatever a pack asks for of its own address reaches the server application over
// the host, with no port open. For a window of its own only: it stays until the window goes.

import type { Host } from "../../host";
import { ORIGIN } from "../loading/names";
import { Addresses } from "./addresses";
import { Styles } from "./css";
import { Elements } from "./elements";
import { askKernel, bridgedBeacon, bridgedFetch } from "./fetch";
import { Files } from "./files";
import { bridgeHtml } from "./html";
import { bridgeLeaving } from "./leaving";
import { bridgedWebSocket } from "./socket";
import { watch } from "./watch";
import { bridgedXhr } from "./xhr";

/** Finds the URL of a module that a `<script type="module" src>` names. */
export type ModuleUrl = (name: string) => Promise<string>;

/** Does nothing in a page that a server answers itself. */
export function installNetwork(host: Host, window: Window & typeof globalThis, moduleUrl: ModuleUrl): void {
  if (!window.document.baseURI.startsWith(ORIGIN)) return;
  const addresses = new Addresses(window);
  const get = (path: string, headers: Record<string, string> = {}) => askKernel(host, path, { method: "GET", headers });
  const files = new Files(get, () => blobsIn(window.document));
  const styles = new Styles(addresses, files, get);
  const scripts = {
    classic: async (path: string) => {
      const response = await get(path);
      if (!response.ok) throw new Error(`${path}: the kernel answered ${response.status}`);
      return URL.createObjectURL(new Blob([await response.text(), `\n//# sourceURL=${ORIGIN}${path}`], { type: "text/javascript" }));
    },
    module: (path: string) => moduleUrl(ORIGIN + path),
  };
  const elements = new Elements(window, addresses, files, styles, scripts);
  elements.install();
  bridgeHtml(window, elements);
  watch(window, elements, styles);
  bridgeLeaving(window, addresses, files);
  window.fetch = bridgedFetch(host, addresses, window.fetch.bind(window));
  window.XMLHttpRequest = bridgedXhr(host, addresses, window.XMLHttpRequest);
  window.navigator.sendBeacon = bridgedBeacon(window.fetch, addresses, window.navigator.sendBeacon.bind(window.navigator));
  window.WebSocket = bridgedWebSocket(host, addresses, window.WebSocket);
  window.Audio = audioClass(window);
}

/** The browser's own `Audio(src)` sets the address past the setters. */
function audioClass({ document }: Window): typeof Audio {
  return function Audio(src?: string) {
    const audio = document.createElement("audio");
    audio.preload = "auto";
    if (src !== undefined) audio.src = src;
    return audio;
  } as unknown as typeof Audio;
}

function blobsIn(document: Document): Set<string> {
  const loading = document.querySelectorAll<HTMLElement>('[src^="blob:"],[poster^="blob:"]');
  return new Set([...loading].flatMap((element) => [...element.attributes].map(({ value }) => value).filter((value) => value.startsWith("blob:"))));
}

// The packs' side of the editor (../extensions): a script of its own, fetched once there are packs with JavaScript. It uses
// the editor's modules and not copies of them; build.mjs knows which.

import type { Extensions } from "../extensions/extensions";
import * as graph from "../graph";
import type { Host } from "../host";
import * as markdown from "../widgets/markdown";
import * as dom from "./dom";
import * as icons from "./icons";
import * as keyboard from "./keyboard";
import * as settingsDialog from "./settings-dialog";

export interface PacksSide {
  Extensions: typeof Extensions;
}

/** The hash of the script; not defined where a build is in one piece. */
declare const PACKS_BUNDLE: string;

interface Realm {
  comfyNotebookParts?: Record<string, object>;
  comfyNotebookPacks?: PacksSide;
}

const PARTS = {
  "graph/index": graph, "widgets/markdown": markdown, "editor/dom": dom, "editor/icons": icons, "editor/keyboard": keyboard,
  "editor/settings-dialog": settingsDialog,
};

let side: Promise<PacksSide> | null = null;

export function packsSide(host: Host): Promise<PacksSide> {
  if (typeof PACKS_BUNDLE === "undefined") return import("../extensions/extensions");
  side ??= evaluate(host, PACKS_BUNDLE);
  side.catch(() => (side = null));
  return side;
}

async function evaluate(host: Host, hash: string): Promise<PacksSide> {
  const realm = window as unknown as Realm;
  realm.comfyNotebookParts = PARTS;
  const url = await scriptUrl(host, hash);
  const script = document.createElement("script");
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error("The script for packs could not be loaded."));
    script.src = url;
    document.head.append(script);
  });
  script.remove();
  if (!realm.comfyNotebookPacks) throw new Error("The script for packs could not be run.");
  return realm.comfyNotebookPacks;
}

/** One fetch for all views of a page. */
async function scriptUrl(host: Host, hash: string): Promise<string> {
  const key = `bundle ${hash}`;
  const known = host.page?.get(key);
  if (known) return known;
  const response = await host.request(`/cn/bundle/${hash}.js`, { timeout: 0 });
  if (!response.ok) throw new Error(`The script for packs did not come: the kernel answered ${response.status}.`);
  const text = await response.text();
  const url = host.page?.url(text, "text/javascript") ?? URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  host.page?.set(key, url);
  return url;
}

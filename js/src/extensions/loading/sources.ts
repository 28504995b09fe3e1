// The packs' modules as the kernel has them: what there is, and the sources of those this page has not seen, in one answer.

import type { Host } from "../../host";
import { type ModuleList, type PackModule, ROUTE } from "./list";
import { nameOfPath } from "./names";
import { rewrite, type StaticImport } from "./rewrite";

/** A module ready to be loaded: where its rewritten source is, and what it imports. */
export interface Prepared {
  url: string;
  imports: StaticImport[];
}

/** Fetches what this page does not have yet, all of it at once, and prepares every module of `wanted`; by name. */
export async function prepareModules(host: Host, all: PackModule[], wanted: PackModule[], own: readonly string[]): Promise<Map<string, Prepared>> {
  const prepared = new Map<string, Prepared>();
  const missing: PackModule[] = [];
  for (const module of wanted) {
    const known = host.page?.get(keyOf(module.path, module.hash));
    if (known) prepared.set(nameOfPath(module.path), JSON.parse(known) as Prepared);
    else missing.push(module);
  }
  if (!missing.length) return prepared;
  const absent = new Set(missing.map(({ hash }) => hash));
  const have = all.map(({ hash }) => hash).filter((hash) => !absent.has(hash));
  const response = await host.request(ROUTE, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ have }), timeout: 0,
  });
  if (!response.ok) throw new Error(`The packs' scripts did not come: the kernel answered ${response.status}.`);
  const { modules: now, sources } = (await response.json()) as ModuleList & { sources: Record<string, string> };
  const paths = new Set(missing.map(({ path }) => path));
  for (const { path, hash } of now) {
    const source = paths.has(path) ? sources[hash] : undefined;
    if (source === undefined) continue; // gone since it was listed; whoever imports it is told
    const name = nameOfPath(path);
    const one = prepareSource(host.page ?? ownBlobs, source, name, own);
    prepared.set(name, one);
    host.page?.set(keyOf(path, hash), JSON.stringify(one));
  }
  return prepared;
}

/** Text that is no JavaScript is left as it is: the browser's own message about it is the best there is. */
export function prepareSource(blobs: Blobs, source: string, name: string, own: readonly string[]): Prepared {
  let code = `${source}\n//# sourceURL=${name}`;
  let imports: StaticImport[] = [];
  try {
    ({ code, imports } = rewrite(source, name, undefined, own));
  } catch {
    // told when it is loaded
  }
  return { url: blobs.url(code, "text/javascript"), imports };
}

export interface Blobs {
  url(text: string, type: string): string;
}

/** They go with the window; those of `host.page` with the page. */
export const ownBlobs: Blobs = { url: (text: string, type: string) => URL.createObjectURL(new Blob([text], { type })) };

function keyOf(path: string, hash: string): string {
  return `module ${hash} ${path}`;
}

// Modules that no pack lists: answered by a pack's Python routes, JSON and CSS imported as modules, files asked for under
// another address.

import type { Host } from "../../host";
import { readable, requestPath } from "./names";
import { ownBlobs, type Prepared, prepareSource } from "./sources";

/** A route that says nothing for this long while the kernel is not busy costs only those that import it. */
const PATIENCE_MS = 15_000;

/** Why a module is not there, for people. */
export class AbsentModule extends Error {}

/** Rejects with `AbsentModule`. */
export async function fetchModule(host: Host, name: string, own: readonly string[]): Promise<Prepared> {
  const type = /#type=(\w+)$/.exec(name)?.[1];
  const response = await patiently(host, requestPath(name)).catch((error: Error) => {
    throw new AbsentModule(`${readable(name)} did not come: ${error.message}`);
  });
  if (!response.ok) throw new AbsentModule(`${readable(name)} is not there: the kernel answered ${response.status}`);
  const text = await response.text();
  if (type === "json") return asModule(`export default ${jsonText(text, name)};`, name);
  if (type === "css") return asModule(`const sheet = new CSSStyleSheet();\nsheet.replaceSync(${JSON.stringify(text)});\nexport default sheet;`, name);
  const kind = response.headers.get("content-type") ?? "";
  if (/\b(?:html|json|css|image)\b/.test(kind)) throw new AbsentModule(`${readable(name)} is no JavaScript: the kernel sent ${kind}`);
  return prepareSource(ownBlobs, text.replace(/^\uFEFF/, ""), name, own);
}

function asModule(code: string, name: string): Prepared {
  return { url: ownBlobs.url(`${code}\n//# sourceURL=${name}`, "text/javascript"), imports: [] };
}

function jsonText(text: string, name: string): string {
  try {
    return `JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(text)))})`;
  } catch (error) {
    throw new AbsentModule(`${readable(name)} is no JSON: ${(error as Error).message}`);
  }
}

async function patiently(host: Host, path: string): Promise<Response> {
  const control = new AbortController();
  let waited = 0;
  const timer = setInterval(() => {
    waited = host.kernel === "busy" ? 0 : waited + 1000;
    if (waited >= PATIENCE_MS) control.abort(new Error(`no answer in ${PATIENCE_MS / 1000} seconds`));
  }, 1000);
  try {
    return await host.request(path, { timeout: 0, signal: control.signal });
  } finally {
    clearInterval(timer);
  }
}

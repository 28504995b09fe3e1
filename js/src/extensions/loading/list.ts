// What modules the packs have. Apart from the rest of this folder: an editor asks before it knows whether it needs that.

import type { Host } from "../../host";

export interface PackModule {
  pack: string;
  /** Percent-encoded, as in a URL. */
  path: string;
  hash: string;
  size: number;
  /** Evaluated at the start; the others when one of these imports them. */
  entry: boolean;
}

export interface ModuleList {
  modules: PackModule[];
  /** Packs whose Python side is still being imported; their modules come later. */
  importing: string[];
}

export const ROUTE = "/cn/extensions";

export async function listModules(host: Host): Promise<ModuleList> {
  const response = await host.request(ROUTE, { timeout: 0 });
  if (!response.ok) throw new Error(`The list of the packs' scripts did not come: the kernel answered ${response.status}.`);
  return response.json();
}


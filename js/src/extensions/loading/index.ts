// The packs' modules: finding, naming and evaluating them.

import type { Host } from "../../host";
import { ModuleLoader } from "./loader";
import type { LoadReport } from "./report";
import type { ModuleList } from "./list";

export { ModuleLoader } from "./loader";
export type { LoadReport, ModuleProblem } from "./report";
export { listModules, type ModuleList, type PackModule } from "./list";

/** Loads the modules of a list into a window whose `comfyAPI` is in place. Later lists: `ModuleLoader`. */
export function loadPackModules(host: Host, window: Window, list: ModuleList): Promise<LoadReport> {
  return new ModuleLoader(host, window).load(list);
}

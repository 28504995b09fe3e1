// Names of modules into the window's import map. The first map goes in before any module is loaded; later ones need a
// browser that merges maps (Chromium 133, Safari 18.4). Elsewhere, modules that come later are linked to each other's
// blobs, the imported ones first, which works as long as they don't import each other in a circle.

import { ORIGIN, readable } from "./names";
import { rewrite } from "./rewrite";
import { ownBlobs, type Prepared } from "./sources";

/** Makes the URL of a module that says why it can't be there. */
export type Refuse = (name: string, why: string) => string;

export class ImportMaps {
  /** What to import instead of a name, where the map can't say it. */
  private readonly linked = new Map<string, string>();
  private merges: Promise<boolean> | null = null;
  private first = true;

  constructor(private readonly window: Window) {}

  /** For tests that play an older browser. */
  forbidMerging(): void {
    this.merges = Promise.resolve(false);
  }

  /** The specifier for `import()`. */
  specifier(name: string): string {
    return this.linked.get(name) ?? name;
  }

  async add(modules: ReadonlyMap<string, Prepared>, refuse: Refuse): Promise<void> {
    if (!modules.size) return;
    if (!this.first && !(await (this.merges ??= this.canMerge()))) return this.link(modules, refuse);
    this.first = false;
    this.append(Object.fromEntries([...modules].map(([name, { url }]) => [name, url])));
  }

  private append(imports: Record<string, string>): void {
    const script = this.window.document.createElement("script");
    script.type = "importmap";
    script.textContent = JSON.stringify({ imports });
    this.window.document.head.append(script);
    script.remove();
  }

  private canMerge(): Promise<boolean> {
    const probe = `${ORIGIN}/.probe/merged`;
    this.append({ [probe]: "data:text/javascript," });
    return import(probe).then(() => true, () => false);
  }

  private async link(modules: ReadonlyMap<string, Prepared>, refuse: Refuse): Promise<void> {
    const { order, circular } = sorted(modules);
    for (const name of circular) {
      this.linked.set(name, refuse(name, `${readable(name)} and modules it imports need each other; this browser can load such modules only at the start. Reload the editor's view.`));
    }
    for (const name of order) {
      const code = await (await fetch(modules.get(name)!.url)).text();
      this.linked.set(name, ownBlobs.url(relinked(code, name, (one) => this.specifier(one)), "text/javascript"));
    }
  }
}

/** Imported ones before those that import them; what lies on a circle apart. */
export function sorted(modules: ReadonlyMap<string, Prepared>): { order: string[]; circular: Set<string> } {
  const order: string[] = [];
  const done = new Set<string>();
  const circular = new Set<string>();
  const visit = (name: string, way: string[]): void => {
    const at = way.indexOf(name);
    if (at >= 0) for (const one of way.slice(at)) circular.add(one);
    const module = modules.get(name);
    if (at >= 0 || !module || done.has(name)) return;
    for (const { name: imported } of module.imports) visit(imported, [...way, name]);
    done.add(name);
    if (!circular.has(name)) order.push(name);
  };
  for (const name of modules.keys()) visit(name, []);
  return { order, circular };
}

function relinked(code: string, name: string, link: (name: string) => string): string {
  try {
    return rewrite(code, name, link).code;
  } catch {
    return code; // the browser says what is wrong with it
  }
}

// Loads the packs' modules into a window: names them, evaluates those that start by themselves, and says what became of
// each. A module that is broken, absent or never ready costs itself and those that import it.

import type { Host } from "../../host";
import { hostModule, isHostPath } from "../modules";
import { AbsentModule, fetchModule } from "./fetched-module";
import { ImportMaps } from "./import-maps";
import { nameOfPath, ORIGIN, packOf, pathOf, readable, resolve } from "./names";
import { preload } from "./preload";
import { evaluate, type LoadReport, type Outcome, reportOf } from "./report";
import { IMPORT, META, typed } from "./rewrite";
import { listModules, type ModuleList, type PackModule } from "./list";
import { ownBlobs, type Prepared, prepareModules } from "./sources";

export interface LoaderOptions {
  /** A module that is not ready this long after the last one was costs only itself. */
  patience?: number;
}

export class ModuleLoader {
  private readonly modules = new Map<string, Prepared>();
  /** Why a module is not there; importing it fails with this. */
  private readonly absent = new Map<string, string>();
  private readonly lacking = new Map<string, Set<string>>();
  private readonly hashes = new Map<string, string>();
  private readonly maps: ImportMaps;
  private readonly own: readonly string[];
  /** Modules are added one call after the other: each publishes what the next may build on. */
  private adding: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: Host,
    private readonly window: Window,
    private readonly options: LoaderOptions = {},
  ) {
    this.maps = new ImportMaps(window);
    this.own = window.location.origin === "null" ? [] : [window.location.origin];
    Object.assign(window, {
      [IMPORT]: (base: string) => (specifier: unknown, options?: { with?: { type?: string } }) => this.import(String(specifier), base, options?.with?.type),
      [META]: (name: string) => ({ url: name, resolve: (specifier: string) => resolve(String(specifier), name, this.own).name }),
    });
  }

  list(): Promise<ModuleList> {
    return listModules(this.host);
  }

  /** Paths of modules that this window has loaded in another version; only a new window takes the new one. */
  outdated({ modules }: ModuleList): string[] {
    return modules.filter(({ path, hash }) => (this.hashes.get(path) ?? hash) !== hash).map(({ path }) => path);
  }

  /** Evaluates the modules of the list that this window has not loaded yet. Never rejects for a module's sake. */
  async load({ modules }: ModuleList): Promise<LoadReport> {
    const started = performance.now();
    const fresh = modules.filter(({ path }) => !this.hashes.has(path));
    for (const { path, hash } of fresh) this.hashes.set(path, hash);
    await this.add(() => this.takeListed(modules, fresh));
    const ready = performance.now();
    const entries = fresh.filter(({ entry }) => entry).map(({ path }) => nameOfPath(path));
    await preload(entries.flatMap((name) => this.urlOf(name) ?? []), this.window.document);
    const outcomes = await evaluate(entries.map((name) => [name, () => import(this.maps.specifier(name))]), this.options.patience);
    const end = performance.now();
    performance.measure("packs: sources", { start: started, end: ready }); // for the browser's own profiler
    performance.measure("packs: modules", { start: ready, end });
    const seconds = { sources: (ready - started) / 1000, total: (end - started) / 1000 };
    return reportOf(outcomes, this, this.window, this.takeLacking(), seconds);
  }

  /** What `import(specifier)` in the module `base` gives. */
  async import(specifier: string, base = `${ORIGIN}/`, type?: string): Promise<unknown> {
    const target = resolve(specifier, base, this.own);
    if (target.kind === "outside") return import(target.name);
    if (target.kind === "bare") throw new TypeError(bareMessage(specifier, base));
    const name = typed(target.name, type);
    await this.adding; // what is under way may bring it
    if (!this.modules.has(name)) await this.add(() => this.take(name, base));
    const why = this.absent.get(name);
    if (why) throw new TypeError(why);
    return import(this.maps.specifier(name));
  }

  /** A URL for a `<script type="module">`. */
  async scriptUrl(name: string): Promise<string> {
    await this.adding;
    if (!this.modules.has(name)) await this.add(() => this.take(name, `${ORIGIN}/`));
    return this.urlOf(name) ?? name;
  }

  urlOf(name: string): string | undefined {
    return this.modules.get(name)?.url;
  }

  /** The name of the module whose text is at `url`; the URL itself where there is none. */
  nameOf(url: string): string {
    for (const [name, module] of this.modules) if (module.url === url) return name;
    return url;
  }

  private add(take: () => Promise<Map<string, Prepared>>): Promise<void> {
    const work = this.adding.then(take).then((taken) => this.complete(taken));
    this.adding = work.catch(() => undefined);
    return work;
  }

  private async takeListed(all: PackModule[], wanted: PackModule[]): Promise<Map<string, Prepared>> {
    const taken = await prepareModules(this.host, all, wanted, this.own);
    for (const { path } of wanted) {
      const name = nameOfPath(path);
      if (!taken.has(name)) taken.set(name, await this.fetch(name, [])); // it went since it was listed
    }
    return taken;
  }

  private async take(name: string, by: string): Promise<Map<string, Prepared>> {
    if (this.modules.has(name)) return new Map();
    return new Map([[name, isHostPath(pathOf(name)) ? this.hostModule(name, new Set(), [by]) : await this.fetch(name, [by])]]);
  }

  /** Adds all that the modules import, and everything to the import map. */
  private async complete(taken: Map<string, Prepared>): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    const by = new Map<string, string[]>();
    for (let wave = [...taken]; wave.length; ) {
      for (const [name, { imports }] of wave) {
        for (const { name: target, wanted: names } of imports) {
          if (this.modules.has(target)) continue;
          const all = wanted.get(target) ?? wanted.set(target, new Set()).get(target)!;
          for (const one of names) all.add(one);
          by.set(target, [...(by.get(target) ?? []), name]);
        }
      }
      const unknown = [...by.keys()].filter((name) => !taken.has(name) && !isHostPath(pathOf(name)));
      wave = await Promise.all(unknown.map(async (name) => [name, await this.fetch(name, by.get(name)!)] as const)).then((all) => all as [string, Prepared][]);
      for (const [name, module] of wave) taken.set(name, module);
    }
    const refuse = (name: string, why: string) => this.refuse(name, why, wanted.get(name) ?? []);
    for (const name of by.keys()) if (isHostPath(pathOf(name))) taken.set(name, this.hostModule(name, wanted.get(name)!, by.get(name)!));
    for (const [name, module] of taken) if (!module.url) taken.set(name, { ...module, url: refuse(name, this.absent.get(name)!) });
    await this.maps.add(taken, refuse);
    for (const [name, module] of taken) this.modules.set(name, module);
  }

  /** Without a URL where it is not to be had; `absent` says why. */
  private async fetch(name: string, by: string[]): Promise<Prepared> {
    try {
      if (name.startsWith(`${ORIGIN}/.bare/`)) throw new AbsentModule(bareMessage(readable(name), by[0]!));
      return await fetchModule(this.host, name, this.own);
    } catch (error) {
      const importers = by.filter((one) => one !== `${ORIGIN}/`).map(readable);
      const tail = importers.length && !name.startsWith(`${ORIGIN}/.bare/`) ? ` (imported by ${importers.slice(0, 3).join(", ")}${importers.length > 3 ? " and others" : ""})` : "";
      this.absent.set(name, `${(error as Error).message}${tail}.`);
      return { url: "", imports: [] };
    }
  }

  private hostModule(name: string, wanted: Set<string>, by: string[]): Prepared {
    const path = pathOf(name);
    const { code, lacking } = hostModule(path, wanted, this.window.comfyAPI ?? {});
    if (lacking.length) console.warn(`comfy_notebook: ${path} has no ${lacking.join(", ")}, undefined in ${by.map(readable).join(", ")}`);
    for (const one of lacking) {
      const key = `${path}#${one}`;
      this.lacking.set(key, new Set([...(this.lacking.get(key) ?? []), ...by]));
    }
    return { url: ownBlobs.url(`${code}\n//# sourceURL=${name}`, "text/javascript"), imports: [] };
  }

  private refuse(name: string, why: string, wanted: Iterable<string>): string {
    this.absent.set(name, why);
    const names = [...wanted].map((one) => `absent as ${JSON.stringify(one)}`);
    return ownBlobs.url(`const absent = undefined;\nexport { ${names.join(", ")} };\nthrow new TypeError(${JSON.stringify(why)});\n//# sourceURL=${name}`, "text/javascript");
  }

  private takeLacking(): LoadReport["lacking"] {
    const found = [...this.lacking].map(([key, by]) => ({ module: key.split("#")[0]!, name: key.split("#")[1]!, by: [...by].map(readable), packs: [...new Set([...by].map(packOf).filter((one) => one !== null))] }));
    this.lacking.clear();
    return found;
  }
}

function bareMessage(specifier: string, by: string): string {
  return `${readable(by)} imports "${specifier}" by name; a browser can only import modules by path, such as "./${specifier}".`;
}

export type { LoadReport, Outcome };

// The packs' JavaScript and the editor: whether there is any, its start before or beside the document, and what follows later.

import type { NodeInfo } from "../graph";
import type { HostEvent } from "../host";
import type { Extensions } from "../extensions/extensions";
import { listModules, type ModuleList } from "../extensions/loading/list";
import type { EditorPorts } from "../extensions/ports";
import { packsSide } from "./packs-side";
import type { Document } from "./patch";

export interface ScriptPorts extends EditorPorts {
  /** Where frames are refused, packs would share the notebook's own page: they stay out. */
  readonly isolated: boolean;
}

const LATE_MS = 3000;
const LOOK_MS = 400;
/** Longer than this nobody waits for a pack to see the document. */
const PATIENCE_MS = 15_000;
const NOBODY = "The scripts of packs need a frame of their own, which this notebook host refuses. Their nodes work, with plain widgets.";

export class PackScripts {
  extensions: Extensions | null = null;
  private told = false;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private starting = false;
  /** The open document, once it is shown. */
  private shown: { document: () => Document; title: string } | null = null;
  private defining: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: ScriptPorts) {}

  /** Loads what the list has and puts the document into the graph, with scripts or, should they fail as a whole, without. */
  async open(first: ModuleList, document: Document, title: string): Promise<void> {
    const list = await this.settled(first);
    try {
      if (list.modules.length > 0) await this.start(list, document, title);
    } catch (error) {
      this.ports.problem("the start of the packs' scripts", error, null);
      this.extensions?.destroy();
      this.extensions = null;
    }
    if (this.ports.hasBegun() || this.stopped) return;
    this.ports.view.setDefinitions(this.ports.definitions);
    this.ports.begin(document as never);
    if (!this.extensions && list.importing.length > 0) this.ask(() => document, title, LATE_MS);
  }

  /** Packs are imported while the first cells run: nodes read the document best when all of these are there. */
  private async settled(first: ModuleList): Promise<ModuleList> {
    const end = Date.now() + PATIENCE_MS;
    let list = first;
    while (list.importing.length > 0 && Date.now() < end && !this.stopped) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      list = await listModules(this.ports.host).catch(() => list);
    }
    return list;
  }

  /** Definitions that come before the document is shown. */
  learn(set: Record<string, NodeInfo>, remove: string[]): void {
    for (const type of remove) delete this.ports.definitions[type];
    Object.assign(this.ports.definitions, set);
  }

  /** Packs that load beside an editor that shows its document already. */
  follow(list: ModuleList | null, document: () => Document, title: string): void {
    this.shown = { document, title };
    if (!list) return;
    if (list.modules.length > 0) void this.start(list, document(), title).catch((error: unknown) => this.ports.problem("the start of the packs' scripts", error, null));
    else if (list.importing.length > 0) this.ask(document, title, LATE_MS);
  }

  private async start(list: ModuleList, document: Document, title: string): Promise<void> {
    if (this.starting || this.extensions || this.stopped) return;
    if (!this.ports.isolated) return this.refuse();
    this.starting = true;
    const side = await packsSide(this.ports.host).finally(() => (this.starting = false));
    if (this.stopped) return;
    const extensions = new side.Extensions(this.ports, window);
    this.extensions = extensions;
    await extensions.start(list);
    if (this.stopped) return;
    await extensions.begin(document as never, title);
    if (list.importing.length > 0) extensions.lookForModules(LATE_MS);
  }

  private refuse(): void {
    if (!this.told) this.ports.notify("warning", "Scripts of custom node packs do not run here", NOBODY);
    this.told = true;
  }

  /** True where the definitions are taken care of: those of packs come after the packs' scripts, whose widgets they may need. */
  define(set: Record<string, NodeInfo>, remove: string[]): boolean {
    const ofPacks = Object.values(set).some((info) => String(info.python_module).startsWith("custom_nodes."));
    if (this.extensions) void (ofPacks ? this.extensions.adopt(set, remove) : this.extensions.define(set, remove));
    else if (!ofPacks || !this.shown || !this.ports.isolated) return false;
    else {
      const work = this.defining.then(() => this.defineWithScripts(set, remove));
      this.defining = work.catch((error: unknown) => this.ports.problem("node types", error, null));
    }
    return true;
  }

  private async defineWithScripts(set: Record<string, NodeInfo>, remove: string[]): Promise<void> {
    const list = await listModules(this.ports.host).catch(() => null);
    if (this.stopped) return;
    if (list?.modules.length && !this.extensions && this.shown) {
      this.learn(set, remove);
      await this.start(list, this.shown.document(), this.shown.title);
    }
    if (this.extensions) return this.extensions.adopt(set, remove);
    this.ports.view.updateDefinitions(set, remove);
    this.ports.defined(set, remove);
  }

  /** A pack was loaded: perhaps with scripts. */
  handle({ type }: HostEvent, document: () => Document, title: string): void {
    this.shown = { document, title };
    if (type !== "cn.packs_changed") return;
    if (this.extensions) this.extensions.lookForModules();
    else this.ask(document, title, 300);
  }

  private ask(document: () => Document, title: string, delay: number): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      listModules(this.ports.host).then((list) => !this.stopped && this.follow(list, document, title), () => undefined);
    }, delay);
  }

  destroy(): void {
    this.stopped = true;
    clearTimeout(this.asking);
    this.extensions?.destroy();
  }
}

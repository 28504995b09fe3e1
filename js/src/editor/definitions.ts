// The node definitions of the kernel: what the graph and the search make of them, and how they change while a person works.

import type { GraphViewApi, NodeInfo } from "../graph";
import { NodeIndex } from "./node-index";
import type { PackScripts } from "./pack-scripts";

interface Ports {
  view: GraphViewApi;
  /** Their hooks run before the graph has a type. */
  packs(): PackScripts;
  /** The graph has other types now. */
  changed(): void;
}

export class NodeDefinitions {
  readonly index = new NodeIndex();

  constructor(
    readonly info: Record<string, NodeInfo>,
    private readonly ports: Ports,
  ) {
    this.index.set(info);
    this.offerOthers();
  }

  /** Nodes that the kernel does not define can be searched too. */
  offerOthers(): void {
    this.index.set(this.ports.view.otherTypes() ?? {});
  }

  update(set: Record<string, NodeInfo>, remove: string[]): void {
    if (this.ports.packs().define(set, remove)) return;
    this.ports.view.updateDefinitions(set, remove);
    this.defined(set, remove);
  }

  /** The graph has these types now. */
  defined(set: Record<string, NodeInfo>, remove: string[]): void {
    for (const type of remove) delete this.info[type];
    Object.assign(this.info, set);
    this.index.update(set, remove);
    this.ports.changed();
  }

  /** All of them anew. */
  renew(fresh: Record<string, NodeInfo>): void {
    this.update(fresh, Object.keys(this.info).filter((type) => !(type in fresh)));
    this.ports.packs().extensions?.lookForModules();
  }
}

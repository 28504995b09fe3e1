// The reroute that is a node of its own, as older files have it.
import type { LGraphNode } from "./litegraph";
import { loading } from "./loading";
import { VirtualNode } from "./virtual-node";

/** The legacy reroute: a small node that passes one link on and takes its type. */
export class RerouteNode extends VirtualNode {
  static override title = "Reroute";
  static title_mode = 1; // NO_TITLE
  static collapsable = false;

  constructor(title: string) {
    super(title);
    this.addInput("", "*");
    this.addOutput("", "*");
    this.properties.showOutputText = false;
    this.properties.horizontal = false;
    this.setSize([75, 26]);
    this.resizable = false;
  }

  override computeSize(): [number, number] {
    return [75, 26];
  }

  override onConnectionsChange(): void {
    if (!loading.on) this.settle(new Set());
  }

  onGraphConfigured(): void {
    this.settle(new Set());
  }

  /** Takes the type of what comes in (else of what it feeds) and hands it on to reroutes behind it. */
  settle(seen: Set<LGraphNode>): void {
    if (seen.has(this) || !this.graph) return;
    seen.add(this);
    const type = this.incoming(new Set()) ?? this.outgoing() ?? "*";
    const output = this.outputs[0];
    const input = this.inputs[0];
    if (!output || !input) return;
    output.type = type;
    output.name = this.properties.showOutputText ? String(type) : "";
    for (const id of output.links ?? []) {
      const link = this.graph.getLink(id);
      if (!link) continue;
      if (type !== "*") link.type = type;
      const target = this.graph.getNodeById(link.target_id);
      if (target instanceof RerouteNode) target.settle(seen);
    }
  }

  private incoming(seen: Set<LGraphNode>): string | null {
    if (seen.has(this)) return null;
    seen.add(this);
    const link = this.inputs[0]?.link == null ? null : this.graph?.getLink(this.inputs[0].link);
    if (!link) return null;
    const origin = this.graph?.getNodeById(link.origin_id);
    if (origin instanceof RerouteNode) return origin.incoming(seen);
    // the origin of an outermost link inside a subgraph is the subgraph's own input, no node
    const type = origin ? (origin.outputs[link.origin_slot]?.type ?? link.type) : link.type;
    return type === "*" ? null : String(type);
  }

  private outgoing(): string | null {
    for (const id of this.outputs[0]?.links ?? []) {
      const link = this.graph?.getLink(id);
      const target = link && this.graph?.getNodeById(link.target_id);
      if (target && !(target instanceof RerouteNode)) return String(target.inputs[link.target_slot]?.type ?? "*");
    }
    return null;
  }
}

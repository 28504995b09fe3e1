// Base of the nodes that exist only in the editor.
import { LGraphNode } from "./litegraph";
import { safeNodeJson, sources } from "./node-source";
import { activeSurface } from "./surface";
import type { NodeJson } from "./types";

export class VirtualNode extends LGraphNode {
  static override category = "utils";
  override isVirtualNode = true;

  override configure(info: never): void {
    const json = info as NodeJson;
    sources.set(this, structuredClone(json));
    // defaults are for new nodes, not for what a file leaves out
    for (const key of Object.keys(this.properties)) delete this.properties[key];
    delete (this as { color?: string }).color;
    delete (this as { bgcolor?: string }).bgcolor;
    try {
      super.configure(safeNodeJson(json, this) as never);
    } catch (error) {
      activeSurface()?.services.notify("warning", `Node ${String(json.id)} (${json.type}) was taken only in part: ${String(error)}`);
    }
  }
}

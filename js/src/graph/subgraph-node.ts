// Instances of subgraphs.
import { type LGraph, LiteGraph, type Subgraph, SubgraphNode } from "./litegraph";
import { instanceInputs } from "./node-slots";
import { initialValues, safeNodeJson, sources, tails } from "./node-source";
import { readProxies, showProxies, warnPartly } from "./promoted-widgets";
import type { NodeJson } from "./types";
import type { AnyWidget } from "./widget-classes";

/** Registers the instance class of a subgraph definition. */
export function registerSubgraph(root: LGraph, subgraph: Subgraph): void {
  const Class = class extends SubgraphNode {
    static comfyClass = subgraph.id;

    constructor() {
      super(root as never, subgraph, {
        id: -1, type: subgraph.id, pos: [0, 0], size: [210, 80], inputs: [], outputs: [], flags: {}, order: 0, mode: 0, properties: {},
      } as never);
      this.serialize_widgets = true;
      this.title = subgraph.name;
      this.title_buttons = [];
      this.onMouseDown = (_event, pos, canvas) => {
        // the mark at the right of the title; litegraph replaces onClick, so the pointer's end is used
        if ((pos[1] ?? 0) > 0 || this.flags.collapsed || (pos[0] ?? 0) < this.size[0] - 26) return false;
        canvas.pointer.finally = () => {
          canvas.selectNodes([this]);
          canvas.openSubgraph(subgraph);
        };
        return true;
      };
    }

    override _internalConfigureAfterSlots(): void {
      super._internalConfigureAfterSlots();
      const source = sources.get(this);
      showProxies(this, readProxies(source?.properties), source?.widgets_values);
    }

    override configure(info: never): void {
      const json = info as NodeJson;
      if (json.id !== -1) sources.set(this, structuredClone(json));
      const safe = safeNodeJson(json, this);
      safe.widgets_values = Array.isArray(json.widgets_values) ? structuredClone(json.widgets_values) : undefined;
      safe.inputs = instanceInputs(safe.inputs ?? [], subgraph);
      try {
        super.configure(safe as never);
        dropStaleSlots(this);
      } catch (error) {
        warnPartly(json.id, subgraph.name, error);
      }
      const saved = (this.widgets ?? []).filter((widget) => widget.serialize !== false) as AnyWidget[];
      initialValues.set(this, saved.map((widget) => (widget.cnSaved ? widget.cnSaved() : widget.value)));
      const known = saved.length;
      tails.set(this, Array.isArray(json.widgets_values) ? json.widgets_values.slice(known) : []);
    }
  };
  Object.defineProperty(Class, "name", { value: "SubgraphInstance" });
  LiteGraph.registerNodeType(subgraph.id, Class as never);
  (Class as AnyWidget).title = subgraph.name;
  (Class as AnyWidget).skip_list = true;
}

/** litegraph's configure lays the saved slots over the definition's; extra ones without a definition would be dead. */
function dropStaleSlots(node: SubgraphNode): void {
  for (let i = node.inputs.length - 1; i >= 0; i--) {
    const input = node.inputs[i];
    if (input && input.link == null && !node.subgraph.inputNode.slots.some((slot) => slot.name === input.name)) node.inputs.splice(i, 1);
  }
}

// The primitive: one value for several widgets.
import { readValues, valueSlots } from "../widgets/values";
import { buildWidgets } from "./build-widgets";
import type { NodePlan, WidgetPlan } from "./definitions";
import type { LGraphNode } from "./litegraph";
import { loading } from "./loading";
import { initialValues, sources, tails } from "./node-source";
import { VirtualNode } from "./virtual-node";
import type { AnyWidget } from "./widget-classes";

/** Gives a value to widgets it is linked to; takes its kind from the first of them. */
export class PrimitiveNode extends VirtualNode {
  static override title = "Primitive";

  constructor(title: string) {
    super(title);
    this.addOutput("connect to widget input", "*");
    this.serialize_widgets = true;
    this.setSize([210, 60]);
  }

  onGraphConfigured(): void {
    this.settle();
  }

  override onConnectionsChange(): void {
    if (this.graph && !loading.on) this.settle();
  }

  override onConnectOutput(_slot: number, _type: unknown, input: unknown): boolean {
    const target = input as { widget?: unknown; type?: unknown };
    return !!target.widget || target.type === "*";
  }

  /** The widget of the first target, however many links there are. */
  private target(): { node: LGraphNode; widget: AnyWidget; type: string } | null {
    for (const id of this.outputs[0]?.links ?? []) {
      const link = this.graph?.getLink(id);
      const node = link && this.graph?.getNodeById(link.target_id);
      const input = node?.inputs[link?.target_slot ?? -1];
      const widget = input && (node?.getWidgetFromSlot(input) as AnyWidget);
      if (node && widget) return { node, widget, type: String(input.type) };
    }
    return null;
  }

  private settle(): void {
    const target = this.target();
    const output = this.outputs[0];
    if (!output) return;
    if (!target) {
      if (output.links?.length) return; // linked to something without a widget: keep what there is
      this.widgets = [];
      output.type = "*";
      output.name = "connect to widget input";
      return;
    }
    const plan = (target.widget.cnPlan ?? null) as WidgetPlan | null;
    if (this.widgets?.length || !plan) return;
    output.type = target.type;
    if (output.name === "connect to widget input") output.name = target.type;
    const saved = sources.get(this)?.widgets_values;
    const control = plan.kind === "int" || plan.kind === "float" || plan.kind === "combo" ? "control_after_generate" : null;
    const own: WidgetPlan = { ...plan, name: "value", label: "value", control, controlDefault: "fixed", defaultValue: target.widget.value };
    const whole: NodePlan = { sockets: [], widgets: [own], outputs: [], upload: null, forced: [], order: ["value"], dynamic: false };
    const size = [this.size[0], this.size[1]] as [number, number];
    buildWidgets(this, whole);
    const { values, tail } = readValues(whole, saved);
    tails.set(this, tail);
    initialValues.set(this, valueSlots(whole).map((slot) => slot.defaultValue));
    this.widgets?.forEach((widget, i) => {
      if (i < values.length) widget.value = values[i] as never;
    });
    if (loading.on) return this.setSize(size); // a loaded node keeps its size
    const needed = this.computeSize();
    this.setSize([Math.max(size[0], needed[0]), Math.max(size[1], needed[1])]);
  }
}

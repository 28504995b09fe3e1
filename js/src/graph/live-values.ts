// Saved values for the widgets that a node really has: packs add, move and take away widgets.
import { isRecord, type NodePlan } from "./definitions";
import type { LGraphNode } from "./litegraph";
import { isPreviewWidget } from "./preview-widgets";
import { type ReadValues, valueSlots } from "../widgets/values";
import type { AnyWidget } from "./widget-classes";

/** The widgets whose values a file holds, in its order. */
export function savedWidgets(node: LGraphNode): AnyWidget[] {
  return ((node.widgets ?? []) as AnyWidget[]).filter((widget) => widget && widget.serialize !== false && !isPreviewWidget(widget));
}

/** How many widgets the node has behind those of its definition; null where these are not there as the definition has them. */
export function widgetsBeyond(widgets: AnyWidget[], plan: NodePlan): number | null {
  const slots = valueSlots(plan);
  return slots.every(({ name }, i) => widgets[i]?.name === name) ? widgets.length - slots.length : null;
}

/** One value for each widget in turn. `raw` as the file has it decides where packs rearranged the widgets. */
export function liveValues(node: LGraphNode, plan: NodePlan, read: ReadValues, raw: unknown): unknown[] | undefined {
  const widgets = savedWidgets(node);
  const beyond = widgetsBeyond(widgets, plan);
  if (beyond === 0) return read.values;
  if (isRecord(raw)) return widgets.map((widget) => (Object.hasOwn(raw, widget.name) ? raw[widget.name] : widget.value));
  if (beyond !== null) return [...read.values, ...read.tail];
  return Array.isArray(raw) ? raw : undefined;
}

// `widgets_values` of a saved node ⇄ the values of its widgets, in the order the definition gives them.
import type { NodePlan } from "../graph/definitions";
import { isRecord } from "../graph/definitions";

/** One position of `widgets_values`. */
export interface ValueSlot {
  name: string;
  defaultValue: unknown;
}

/** The positions a node of this plan saves. */
export function valueSlots(plan: NodePlan): ValueSlot[] {
  const slots: ValueSlot[] = [];
  for (const widget of plan.widgets) {
    slots.push({ name: widget.name, defaultValue: widget.defaultValue });
    if (!widget.control) continue;
    slots.push({ name: widget.control, defaultValue: widget.controlDefault });
    if (widget.kind === "combo") slots.push({ name: "control_filter_list", defaultValue: "" });
  }
  if (plan.upload) slots.push({ name: "upload", defaultValue: plan.upload.kind });
  return slots;
}

export interface ReadValues {
  values: unknown[];
  /** Values beyond the known widgets, kept for saving. */
  tail: unknown[];
}

/** Saved values by position. Missing ones become defaults; names decide when the file has an object. */
export function readValues(plan: NodePlan, saved: unknown): ReadValues {
  const slots = valueSlots(plan);
  if (isRecord(saved)) {
    return { values: slots.map((slot) => (Object.hasOwn(saved, slot.name) ? saved[slot.name] : slot.defaultValue)), tail: [] };
  }
  const list = Array.isArray(saved) ? dropForced(plan, slots, saved) : [];
  const values = slots.map((slot, i) => (i < list.length && list[i] !== undefined ? list[i] : slot.defaultValue));
  return { values, tail: list.slice(slots.length) };
}

/** Old files gave sockets made of widgets (forceInput) a position too; their control counted as well. */
function dropForced(plan: NodePlan, slots: ValueSlot[], saved: unknown[]): unknown[] {
  if (!plan.forced.length || saved.length !== slots.length + plan.forced.length) return saved;
  const forced = new Set(plan.forced);
  const out: unknown[] = [];
  let at = 0;
  for (const name of plan.order) {
    if (forced.has(name)) at += 1;
    const widget = plan.widgets.find((candidate) => candidate.name === name);
    if (!widget) continue;
    const width = 1 + (widget.control ? (widget.kind === "combo" ? 2 : 1) : 0);
    out.push(...saved.slice(at, at + width));
    at += width;
  }
  return [...out, ...saved.slice(at)];
}

/**
 * What to save. `saved` is what the node was loaded from: its form (list or object), its unknown entries and a missing tail of
 * defaults are kept, so that loading and saving alone changes nothing.
 */
export function writeValues(slots: ValueSlot[], values: unknown[], saved: unknown, tail: unknown[]): unknown {
  if (isRecord(saved)) {
    const out: Record<string, unknown> = { ...saved };
    slots.forEach((slot, i) => {
      if (Object.hasOwn(saved, slot.name) || !same(values[i], slot.defaultValue)) out[slot.name] = values[i];
    });
    return out;
  }
  const out: unknown[] = [...values, ...tail];
  if (Array.isArray(saved)) {
    while (out.length > saved.length && same(out[out.length - 1], slots[out.length - 1]?.defaultValue)) out.pop();
  }
  return out;
}

export function same(a: unknown, b: unknown): boolean {
  if (a === b || (a == null && b == null)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) if (!same(left[key], right[key])) return false;
  return true;
}

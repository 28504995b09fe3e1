// The inputs and outputs of a node: what the file had, then what the definition has beside it.
import type { NodePlan } from "./definitions";
import type { LGraphNode } from "./litegraph";

const HOLLOW = 7;
const GRID = 6;

export type Slot = Record<string, unknown>;

/** What a pack took from a node that its definition has: names of inputs, and how many outputs from the end. */
export function slotsGone({ inputs, outputs }: Pick<LGraphNode, "inputs" | "outputs">, plan: NodePlan): { inputs: Set<string>; outputs: number } {
  const live = new Set((inputs ?? []).map((input) => input.name));
  const names = plannedInputs(plan).map((slot) => slot.name as string);
  return { inputs: new Set(names.filter((name) => !live.has(name))), outputs: Math.max(0, plan.outputs.length - (outputs?.length ?? 0)) };
}

/** Saved inputs first, as they were; then what the definition has beside them, less what a pack took away (`gone`). */
export function mergeInputs(saved: Slot[], plan: NodePlan, gone: ReadonlySet<string> = new Set()): Slot[] {
  const planned = new Map<string, Slot>();
  for (const slot of plannedInputs(plan)) planned.set(slot.name as string, slot);
  const out: Slot[] = [];
  for (const slot of saved) {
    const match = planned.get(String(slot.name));
    planned.delete(String(slot.name));
    out.push(match ? { ...slot, type: match.type, shape: match.shape ?? slot.shape, localized_name: slot.localized_name ?? match.localized_name, widget: match.widget ?? undefined } : { ...slot });
  }
  const missing = [...planned.values()].filter((slot) => !gone.has(slot.name as string));
  const pure = missing.filter((slot) => !slot.widget);
  const widgets = missing.filter((slot) => slot.widget);
  return [...out, ...pure, ...widgets];
}

export function plannedInputs(plan: NodePlan): Slot[] {
  const sockets: Slot[] = plan.sockets.map(({ name, type, label, optional }) => ({
    name, type, link: null, ...(optional ? { shape: HOLLOW } : {}), ...(label !== name ? { localized_name: label } : {}),
  }));
  const widgets: Slot[] = plan.widgets.filter((widget) => !widget.socketless).map(({ name, type, label, optional }) => ({
    name, type, link: null, widget: { name }, ...(optional ? { shape: HOLLOW } : {}), ...(label !== name ? { localized_name: label } : {}),
  }));
  return [...sockets, ...widgets];
}

export function mergeOutputs(saved: Slot[], plan: NodePlan, gone = 0): Slot[] {
  const out: Slot[] = saved.map((slot, i) => {
    const planned = plan.outputs[i];
    return planned ? { ...slot, type: planned.type, ...(planned.list ? { shape: GRID } : {}) } : { ...slot };
  });
  for (const planned of plan.outputs.slice(saved.length, plan.outputs.length - gone)) out.push(plannedOutput(planned));
  return out;
}

export function plannedOutput({ name, type, list }: NodePlan["outputs"][number]): Slot {
  return { name, type, links: null, ...(list ? { shape: GRID } : {}) };
}

/** Saved inputs in the definition's order, by name: files leave out unlinked widget inputs. */
export function instanceInputs(saved: Slot[], subgraph: { inputs: { name: string; type: unknown; label?: string }[] }): Slot[] {
  const left = [...saved];
  const ordered = subgraph.inputs.map(({ name, type, label }) => {
    const at = left.findIndex((slot) => slot.name === name);
    if (at >= 0) return left.splice(at, 1)[0] as Slot;
    return { name, type, link: null, ...(label ? { label } : {}) };
  });
  return [...ordered, ...left];
}

/** litegraph cannot go on with a node whose lists of slots a pack took away. */
export function keepSlots(node: LGraphNode): void {
  node.inputs ??= [];
  node.outputs ??= [];
}

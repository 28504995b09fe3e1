// Keeps the inputs of a node in step with its values and links while a person works on it.
import { readValues, type ReadValues, valueSlots } from "../widgets/values";
import { buildWidgets } from "./build-widgets";
import { isRecord, type NodePlan, planNode, type WidgetPlan } from "./definitions";
import type { Live } from "./dynamic-inputs";
import type { LGraphNode } from "./litegraph";
import { plannedInputs } from "./node-slots";
import type { NodeInfo } from "./types";
import { type AnyWidget, choicesOf } from "./widget-classes";

/** Values decide about inputs that have values of their own: this many rounds are enough for any definition that ends. */
const ROUNDS = 120;

export interface DefinedClass {
  plan: NodePlan;
  nodeData: NodeInfo;
  customTypes: ReadonlySet<string>;
}

const plans = new WeakMap<LGraphNode, NodePlan>();

export function planOf(node: LGraphNode): NodePlan {
  return plans.get(node) ?? (node.constructor as unknown as DefinedClass).plan;
}

/** A node keeps the plan its widgets were made by when its class gets another. */
export function holdPlan(node: LGraphNode): void {
  plans.set(node, planOf(node));
}

/** The plan that saved values and links ask for, and the values by that plan. */
export function planSaved(Class: DefinedClass, saved: unknown, inputs: unknown): { plan: NodePlan; read: ReadValues } {
  let { plan } = Class;
  let read = readValues(plan, saved);
  if (!plan.dynamic) return { plan, read };
  const links = new Set((Array.isArray(inputs) ? inputs : []).filter((slot) => isRecord(slot) && slot.link != null).map((slot) => String((slot as Record<string, unknown>).name)));
  for (let round = 0; round < ROUNDS; round++) {
    const values = new Map(valueSlots(plan).map((slot, i) => [slot.name, read.values[i]]));
    const live: Live = { value: (name) => values.get(name), linked: (name) => links.has(name), left: read.tail.length };
    const next = planNode(Class.nodeData, Class.customTypes, live);
    const done = samePlan(next, plan);
    plan = next;
    read = readValues(plan, saved);
    if (done) break;
  }
  return { plan, read };
}

function samePlan(a: NodePlan, b: NodePlan): boolean {
  if (a === b) return true;
  const names = ({ sockets, widgets }: NodePlan): string => JSON.stringify([sockets.map(({ name }) => name), widgets.map(({ name, spec }) => [name, spec])]);
  return names(a) === names(b);
}

/** Gives a node the widgets of another plan; those that stay are the same objects, with their values. */
export function takePlan(node: LGraphNode, plan: NodePlan): void {
  const before = planOf(node);
  if (before === plan) return;
  plans.set(node, plan);
  if (samePlan(before, plan)) return;
  const old = (node.widgets ?? []) as AnyWidget[];
  const left = new Set(old);
  node.widgets = [];
  for (const wanted of plan.widgets) {
    const kept = old.find((widget) => widget.cnPlan?.name === wanted.name && JSON.stringify(widget.cnPlan.spec) === JSON.stringify(wanted.spec));
    if (kept) node.widgets.push(kept, ...((kept.linkedWidgets ?? []) as AnyWidget[]));
    else buildLike(node, wanted, old);
  }
  for (const widget of node.widgets) left.delete(widget);
  // what is not of the definition stays: buttons, previews, widgets of packs
  for (const widget of left) {
    const planned = widget.cnPlan || widget.cnControls || [...left].some((other) => other.linkedWidgets?.includes(widget));
    if (planned) widget.element?.remove();
    else node.widgets.push(widget);
  }
}

/** A new widget, with the value of the one of this name before it where that fits. */
function buildLike(node: LGraphNode, plan: WidgetPlan, old: AnyWidget[]): void {
  buildWidgets(node, { widgets: [plan], upload: null } as unknown as NodePlan);
  const widget = node.widgets?.find((candidate) => (candidate as AnyWidget).cnPlan === plan) as AnyWidget;
  const before = old.find((candidate) => candidate.cnPlan?.name === plan.name);
  if (!widget || !before || before.cnPlan.kind !== plan.kind) return;
  if (plan.kind !== "combo" || choicesOf(widget, node).includes(before.value)) widget.value = before.value;
}

/** After a value or a link changed: the inputs that there are now. True when something changed. */
export function followLive(node: LGraphNode): boolean {
  const Class = node.constructor as unknown as DefinedClass;
  if (!Class.plan?.dynamic) return false;
  const before = planOf(node);
  const height = node.computeSize()[1];
  for (let round = 0; round < ROUNDS; round++) {
    const current = planOf(node);
    const next = planNode(Class.nodeData, Class.customTypes, liveOf(node));
    takePlan(node, next);
    if (samePlan(current, next)) break;
  }
  watchDeciders(node);
  const plan = planOf(node);
  if (samePlan(before, plan)) return false;
  placeInputs(node, before, plan);
  const needed = node.computeSize();
  node.setSize([Math.max(node.size[0], needed[0]), Math.max(needed[1], node.size[1] + needed[1] - height)]);
  node.graph?.setDirtyCanvas(true, true);
  return true;
}

function liveOf(node: LGraphNode): Live {
  return {
    value: (name) => node.widgets?.find((widget) => widget.name === name)?.value,
    linked: (name) => node.inputs.some((input) => input.name === name && input.link != null),
  };
}

/** Sockets that the new plan lacks go with their links, new ones come where the plan has them. */
function placeInputs(node: LGraphNode, before: NodePlan, plan: NodePlan): void {
  const wanted = plannedInputs(plan);
  const names = new Set(wanted.map((slot) => slot.name as string));
  const dropped = new Set(plannedInputs(before).map((slot) => slot.name as string).filter((name) => !names.has(name)));
  for (let i = node.inputs.length - 1; i >= 0; i--) if (dropped.has(node.inputs[i]?.name ?? "")) node.removeInput(i);
  const have = new Map(node.inputs.map((input) => [input.name, input]));
  for (const { name, type, ...rest } of wanted) {
    const input = have.get(name as string);
    if (!input) have.set(name as string, node.addInput(name as string, type as string, rest as never));
    else if (input.link == null) input.type = type as never;
  }
  const rank = new Map(wanted.map((slot, i) => [slot.name as string, i]));
  const order = (input: { name: string }): number => rank.get(input.name) ?? wanted.length;
  node.inputs = [...node.inputs].sort((a, b) => order(a) - order(b));
  node.inputs.forEach((input, i) => {
    const link = input.link == null ? null : node.graph?.getLink(input.link);
    if (link) link.target_slot = i;
  });
}

/** Widgets that decide about inputs say so when a person sets them; combos of own texts list these. */
export function watchDeciders(node: LGraphNode): void {
  for (const widget of (node.widgets ?? []) as AnyWidget[]) {
    const plan = widget.cnPlan as WidgetPlan | undefined;
    const prefix = plan?.options.options_prefix;
    if (typeof prefix === "string") widget.options.values = () => ownTexts(node, prefix);
    if (!plan?.decides || widget.cnDecides) continue;
    widget.cnDecides = true;
    const before = widget.callback;
    widget.callback = function (this: unknown, ...args: unknown[]) {
      before?.apply(this, args);
      followLive(node);
    };
  }
}

function ownTexts(node: LGraphNode, prefix: string): unknown[] {
  return (node.widgets ?? []).filter((widget) => (widget as AnyWidget).cnPlan?.decides && widget.name.startsWith(prefix) && widget.value).map((widget) => widget.value);
}

// Inputs that depend on what a node holds: choices that bring inputs of their own, growing groups, unfolding slots, types that
// follow links. Which of them are there is said by values and links (`Live`); names are dotted, `<group>.<member>`.
import type { InputPlan, NodePlan, WidgetPlan } from "./definitions";
import type { InputSpec } from "./types";

export interface Live {
  /** Value of a widget; undefined where the node has none yet. */
  value(name: string): unknown;
  linked(name: string): boolean;
  /** Saved values that have no place yet. */
  left?: number;
}

export const NOTHING_LIVE: Live = { value: () => undefined, linked: () => false };
const COMBO = "COMFY_DYNAMICCOMBO_V3";
const GROW = "COMFY_AUTOGROW_V3";
const SLOT = "COMFY_DYNAMICSLOT_V3";
const MATCH = "COMFY_MATCHTYPE_V3";
const MOST = 100;

type Sections = { required?: Record<string, unknown>; optional?: Record<string, unknown> };
const record = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

export function isDynamic(type: string): boolean {
  return type === COMBO || type === GROW || type === SLOT;
}

/** The type a slot shows while nothing is linked, and the template it belongs to. */
export function matchTemplate(type: string, options: Record<string, unknown>): { type: string; template: string | null } {
  if (type !== MATCH) return { type, template: null };
  const { template_id: id, allowed_types: allowed } = record(options.template);
  return { type: typeof allowed === "string" && allowed ? allowed : "*", template: String(id ?? "") };
}

/** What a dynamic input is itself (null: only a group) and the inputs it has now. */
export function dynamicMembers(input: InputPlan, live: Live): { own: Partial<InputPlan> | null; sections: Sections[]; order?: undefined } {
  const { name, type, options } = input;
  if (type === GROW) return { own: null, sections: grown(input, live) };
  if (type === SLOT) {
    const own = { type: typeof options.slotType === "string" ? options.slotType : "*" };
    return { own, sections: live.linked(name) ? [record(options.inputs)] : [] };
  }
  const listed = (Array.isArray(options.options) ? options.options : []).map(record);
  const value = live.value(name);
  const key = value === undefined ? options.default || listed[0]?.key : value;
  const chosen = listed.find((option) => option.key === key);
  return { own: {}, sections: chosen ? [record(chosen.inputs)] : [] };
}

/** At least the least, then up to the last linked one, and a free one behind it. */
function grown({ name, options, optional }: InputPlan, live: Live): Sections[] {
  const template = record(options.template);
  const sections = record(template.input);
  const [section, inputs] = (["required", "optional"] as const).map((key) => [key, record(sections[key])] as const).find(([, held]) => Object.keys(held).length) ?? [];
  const spec = inputs && (Object.values(inputs)[0] as InputSpec);
  if (!section || !Array.isArray(spec)) return [];
  const most = Math.min(Number(template.max) || MOST, MOST);
  const names = Array.isArray(template.names) ? template.names.slice(0, MOST).map(String) : Array.from({ length: most }, (_, i) => `${String(template.prefix ?? "")}${i}`);
  const least = Math.max(Number(template.min ?? 1) || 0, 0);
  const shown = names.slice(0, Math.max(least, 1, lastLinked(names, name, live) + 2));
  const socket: InputSpec = [spec[0], { ...record(spec[1]), forceInput: true }];
  const part = (from: number, to?: number): Record<string, unknown> => Object.fromEntries(shown.slice(from, to).map((member) => [member, socket]));
  const needed = section === "required" && !optional ? least : 0;
  return [{ required: part(0, needed), optional: part(needed) }];
}

function lastLinked(names: string[], group: string, live: Live): number {
  for (let i = names.length - 1; i >= 0; i--) if (live.linked(`${group}.${names[i]}`)) return i;
  return -1;
}

/** Groups that list only their first members, `values.a`, `values.b` …: a further one appears when all are linked. */
export function growFurther(plan: NodePlan, live: Live): void {
  const groups = new Map<string, InputPlan[]>();
  for (const socket of plan.sockets) {
    const at = socket.name.lastIndexOf(".");
    if (at < 0 || !socket.optional || !socket.options.forceInput || (socket.spec[0] as unknown) === GROW) continue;
    const group = socket.name.slice(0, at);
    groups.set(group, [...(groups.get(group) ?? []), socket]);
  }
  for (const [group, members] of groups) {
    const shown = members.map(({ name }) => name.slice(group.length + 1));
    const names = members.length > 1 ? sequence(shown) : null;
    if (!names || plan.order.includes(group)) continue;
    plan.dynamic = true;
    const wanted = Math.min(Math.max(members.length, lastLinked(names, group, live) + 2), names.length);
    const last = members.at(-1) as InputPlan;
    const more = names.slice(members.length, wanted).map((name) => ({ ...last, name: `${group}.${name}`, label: name }));
    plan.sockets.splice(plan.sockets.indexOf(last) + 1, 0, ...more);
    plan.order.push(...more.map(({ name }) => name));
  }
}

/** The whole row of names that these begin: letters, or one word with numbers from 0 or 1. */
function sequence(names: string[]): string[] | null {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  if (names.every((name, i) => name === letters[i])) return letters;
  const first = /^(.*?)([01])$/.exec(names[0] ?? "");
  if (!first) return null;
  const row = Array.from({ length: MOST }, (_, i) => `${first[1]}${i + Number(first[2])}`);
  return names.every((name, i) => name === row[i]) ? row : null;
}

/** Choices that a node keeps itself: one line of text for each, and an empty one for the next. */
export function ownOptions(plan: NodePlan, live: Live): void {
  const combo = plan.widgets.find(({ options }) => typeof options.options_prefix === "string");
  if (!combo) return;
  plan.dynamic = true;
  const names = Array.from({ length: MOST }, (_, i) => `${String(combo.options.options_prefix)}${i + 1}`);
  const placed = names.filter((name) => live.value(name) !== undefined).length;
  const used = live.left ? placed : names.findLastIndex((name) => live.value(name)) + 1;
  for (const name of names.slice(0, used + 1)) {
    plan.widgets.push(textLine(name));
    plan.order.push(name);
  }
}

function textLine(name: string): WidgetPlan {
  const spec: InputSpec = ["STRING", {}];
  return {
    name, type: "STRING", label: name, optional: true, options: {}, spec, kind: "string", socketless: true, control: null, controlDefault: "fixed",
    defaultValue: "", choices: [], decides: true,
  };
}

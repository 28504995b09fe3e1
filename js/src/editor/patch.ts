// Document patches (docs/architecture.md 1.4): what changed between two UI JSON documents, keyed by the text of node and
// link ids. Values are treated as immutable, so the JSON text of a node is computed once and remembered.

import { LEADS } from "../leads-key";

export type Document = Record<string, unknown>;
type Entry = Record<string, unknown> | unknown[];
type Id = string | number;

export interface ListPatch {
  set?: Entry[];
  remove?: Id[];
  /** Ids in the order of the result, there only when `set` and `remove` alone would give another order. */
  order?: Id[];
}

export interface Patch {
  nodes?: ListPatch;
  links?: ListPatch;
  set?: Record<string, unknown>;
  remove?: string[];
}

/** The patch is malformed or does not fit the document; nothing was changed. */
export class PatchError extends Error {}

const KEYED = ["nodes", "links"] as const;
const texts = new WeakMap<object, string>();

/** JSON text with keys in a fixed order, so that two writers of the same value agree. */
export function stableText(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = Array.isArray(value)
    ? `[${value.map(stableText).join(",")}]`
    : `{${Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, item]) => `${JSON.stringify(key)}:${stableText(item)}`)
        .join(",")}}`;
  texts.set(value, text);
  return text;
}

/** The id of a node or link, whichever of its two forms (array or object) it has. */
export function entryId(entry: unknown): Id | undefined {
  const id = Array.isArray(entry) ? entry[0] : (entry as { id?: unknown } | null)?.id;
  return isId(id) ? id : undefined;
}

function isId(id: unknown): id is Id {
  return typeof id === "number" || typeof id === "string";
}

/** Entries by the text of their id, in order; undefined where the list cannot be keyed. */
function keyed(list: unknown): Map<string, Entry> | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = new Map<string, Entry>();
  for (const entry of list) {
    const id = entryId(entry);
    if (id === undefined || found.has(String(id))) return undefined;
    found.set(String(id), entry as Entry);
  }
  return found;
}

function diffList(before: Map<string, Entry>, after: Map<string, Entry>): ListPatch {
  const remove = [...before].filter(([key]) => !after.has(key)).map(([, entry]) => entryId(entry) as Id);
  const set = [...after]
    .filter(([key, entry]) => !before.has(key) || stableText(before.get(key)) !== stableText(entry))
    .map(([, entry]) => entry);
  const natural = [...before.keys()].filter((key) => after.has(key)).concat([...after.keys()].filter((key) => !before.has(key)));
  const keys = [...after.keys()];
  const moved = natural.some((key, index) => key !== keys[index]);
  return {
    ...(set.length > 0 && { set }),
    ...(remove.length > 0 && { remove }),
    ...(moved && { order: [...after.values()].map((entry) => entryId(entry) as Id) }),
  };
}

export function isEmpty(patch: Patch): boolean {
  return Object.keys(patch).length === 0;
}

/** The patch that turns `before` into `after`, order included; `{}` when they are equal. */
export function diff(before: Document, after: Document): Patch {
  const patch: Patch = {};
  const whole = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of KEYED) {
    const old = keyed(before[key]);
    const fresh = keyed(after[key]);
    if (!old || !fresh) continue;
    whole.delete(key);
    const change = diffList(old, fresh);
    if (Object.keys(change).length > 0) patch[key] = change;
  }
  const set: [string, unknown][] = [];
  for (const key of whole) {
    if (after[key] === undefined) {
      if (before[key] !== undefined) (patch.remove ??= []).push(key);
    } else if (before[key] === undefined || stableText(before[key]) !== stableText(after[key])) {
      set.push([key, after[key]]);
    }
  }
  if (set.length > 0) patch.set = Object.fromEntries(set);
  return patch;
}

function applyList(list: unknown, change: ListPatch, name: string): Entry[] {
  const entries = list === undefined ? new Map<string, Entry>() : keyed(list);
  if (!entries) throw new PatchError(`The ${name} of the document cannot be told apart by id.`);
  for (const id of change.remove ?? []) entries.delete(String(id));
  for (const entry of change.set ?? []) entries.set(String(entryId(entry)), entry);
  if (!change.order) return [...entries.values()];
  const ordered: Entry[] = [];
  for (const id of change.order) {
    const entry = entries.get(String(id));
    if (entry && entries.delete(String(id))) ordered.push(entry);
  }
  return [...ordered, ...entries.values()];
}

/** A new document; `document` itself is left as it is. Raises PatchError, and then nothing is applied. */
export function apply(document: Document, patch: Patch): Document {
  check(patch);
  const result = new Map(Object.entries(document));
  for (const key of patch.remove ?? []) result.delete(key);
  for (const [key, value] of Object.entries(patch.set ?? {})) result.set(key, value);
  for (const key of KEYED) {
    const change = patch[key];
    if (change) result.set(key, applyList(result.get(key), change, key));
  }
  return Object.fromEntries(result);
}

function check(patch: Patch): void {
  checkKeys(patch, ["nodes", "links", "set", "remove"], "patch");
  if (patch.set !== undefined) checkKeys(patch.set, null, "set");
  checkList(patch.remove, (key) => typeof key === "string", "remove");
  for (const name of KEYED) {
    const change = patch[name];
    if (change === undefined) continue;
    checkKeys(change, ["set", "remove", "order"], name);
    checkList(change.set, (entry) => typeof entry === "object" && entryId(entry) !== undefined, `${name}.set`);
    checkList(change.remove, isId, `${name}.remove`);
    checkList(change.order, isId, `${name}.order`);
    if (patch.set && Object.hasOwn(patch.set, name)) throw new PatchError(`The patch sets ${name} twice.`);
  }
}

function checkKeys(value: unknown, allowed: string[] | null, name: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new PatchError(`${name} is no object.`);
  const odd = allowed && Object.keys(value).find((key) => !allowed.includes(key));
  if (odd) throw new PatchError(`${name} has an unknown part "${odd}".`);
}

function checkList(value: unknown, good: (item: unknown) => boolean, name: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every(good)) throw new PatchError(`${name} is malformed.`);
}

/** A patch of `extra` alone: what is derived from the graph, and where one looks at it. */
export function onlyExtra(patch: Patch): boolean {
  return !patch.nodes && !patch.links && !patch.remove && Object.keys(patch.set ?? {}).every((key) => key === "extra");
}

export function leadsOf(document: Document): unknown {
  return (document.extra as Record<string, unknown> | undefined)?.[LEADS];
}

/** `document` with the leads of `other`. */
export function withLeadsOf(document: Document, other: Document): Document {
  const leads = leadsOf(other);
  if (stableText(leads) === stableText(leadsOf(document))) return document;
  const { [LEADS]: _, ...extra } = (document.extra ?? {}) as Record<string, unknown>;
  return { ...document, extra: leads === undefined ? extra : { ...extra, [LEADS]: leads } };
}

/** Ids of the nodes a patch touches. */
export function touchedNodes(patch: Patch): Set<string> {
  const ids = new Set((patch.nodes?.remove ?? []).map(String));
  for (const node of patch.nodes?.set ?? []) ids.add(String(entryId(node)));
  return ids;
}

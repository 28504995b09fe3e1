// What nodes were loaded from, so that saving goes back to it; and making it safe for litegraph to take in.
import { isRecord } from "./definitions";
import type { LGraphNode } from "./litegraph";
import type { NodeJson } from "./types";

/** What a node was loaded from: the form to go back to. */
export const sources = new WeakMap<LGraphNode, NodeJson>();
/** Values beyond the known widgets. */
export const tails = new WeakMap<LGraphNode, unknown[]>();
/** Values right after loading: a trailing one that still has it was not in the file and need not be. */
export const initialValues = new WeakMap<LGraphNode, unknown[]>();

const KNOWN = new Set([
  "id", "type", "pos", "size", "flags", "order", "mode", "inputs", "outputs", "properties", "widgets_values", "title", "color", "bgcolor",
  "shape", "boxcolor", "showAdvanced",
]);

/** A copy that litegraph can take in: right shapes, and no key that would replace a method of the node. */
export function safeNodeJson(info: NodeJson, node: object): NodeJson {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(info)) if (KNOWN.has(key) || !(key in node)) out[key] = value;
  const pair = (value: unknown, a: number, b: number): [number, number] => {
    const list = value as Record<number, unknown> | null | undefined;
    const number = (raw: unknown, fallback: number): number => (Number.isFinite(Number(raw)) && raw !== null ? Number(raw) : fallback);
    return [number(list?.[0], a), number(list?.[1], b)];
  };
  out.pos = pair(info.pos, 0, 0);
  if (info.size !== undefined) out.size = pair(info.size, 200, 80);
  out.flags = isRecord(info.flags) ? info.flags : {};
  out.properties = isRecord(info.properties) ? info.properties : {};
  out.mode = typeof info.mode === "number" ? info.mode : 0;
  if (info.title !== undefined && info.title !== null) out.title = String(info.title);
  for (const key of ["inputs", "outputs"] as const) {
    out[key] = Array.isArray(info[key]) ? (info[key] as unknown[]).filter(isRecord) : [];
  }
  for (const key of ["color", "bgcolor", "boxcolor"]) if (out[key] !== undefined && typeof out[key] !== "string") delete out[key];
  return out as NodeJson;
}

/** Inputs that a node has by its definition while its file left them out: they are saved once they are used. */
export const filledIn = new WeakSet<object>();

// What the node search searches: every node type with its names, category, source and the types it takes and gives.

import type { NodeInfo } from "../graph";
import { fold, Searchable, type Match } from "./fuzzy";

export interface NodeItem {
  type: string;
  title: Searchable;
  className: Searchable;
  category: Searchable;
  aliases: Searchable[];
  /** null for the built-in nodes, else the pack's name or "Notebook" for functions of this notebook. */
  source: Searchable | null;
  /** Where the node stands among equals: by category, then title. */
  order: string;
  description: string;
  deprecated: boolean;
  inputs: string[];
  outputs: string[];
}

/** What the dragged end of a link needs at its other end. */
export interface TypeFilter {
  type: string;
  /** The link was dragged from an input: nodes with a fitting output are wanted. */
  fromInput: boolean;
}

export interface Hit {
  item: NodeItem;
  score: number;
  title: number[];
  /** Shown when it, rather than the title, is what matched. */
  via: { text: string; at: number[] } | null;
}

const RECENT_BONUS = 40;
const WEIGHTS = { className: 0.95, alias: 0.72, category: 0.45, source: 0.4 };

function typeName(type: unknown): string {
  return Array.isArray(type) ? "COMBO" : String(type);
}

export function typesFit(a: string, b: string): boolean {
  const any = (type: string) => type === "*" || type === "" || type === "0";
  if (any(a) || any(b)) return true;
  const set = new Set(a.toUpperCase().split(","));
  return b.toUpperCase().split(",").some((type) => set.has(type));
}

/** The pack a node comes from, from its `python_module`. */
export function sourceOf(module: string | undefined): string | null {
  if (!module) return null;
  if (module === "__main__" || module.startsWith("ipykernel") || module.startsWith("notebook")) return "Notebook";
  const [, pack] = /^custom_nodes\.([^.]+)/.exec(module) ?? [];
  if (pack) return pack;
  return /^(nodes|comfy_extras|comfy_api_nodes|comfy_notebook)(\.|$)/.test(module) ? null : (module.split(".")[0] ?? null);
}

function itemOf(type: string, info: NodeInfo): NodeItem {
  const inputs = [...Object.values(info.input?.required ?? {}), ...Object.values(info.input?.optional ?? {})];
  const source = sourceOf(info.python_module);
  const aliases = Array.isArray(info.search_aliases) ? info.search_aliases.map(String) : [];
  return {
    type,
    title: new Searchable(info.display_name || type),
    className: new Searchable(type),
    category: new Searchable(info.category ?? ""),
    aliases: aliases.map((alias) => new Searchable(alias)),
    source: source === null ? null : new Searchable(source),
    order: `${info.category ?? ""}\u0000${info.display_name || type}`.toLowerCase(),
    description: info.description ?? "",
    deprecated: info.deprecated === true,
    inputs: inputs.map((spec) => typeName(Array.isArray(spec) ? spec[0] : spec)),
    outputs: (info.output ?? []).map(typeName),
  };
}

export class NodeIndex {
  private readonly items = new Map<string, NodeItem>();

  set(info: Record<string, NodeInfo>): void {
    for (const [type, entry] of Object.entries(info)) this.items.set(type, itemOf(type, entry));
  }

  update(set: Record<string, NodeInfo>, remove: string[]): void {
    for (const type of remove) this.items.delete(type);
    this.set(set);
  }

  get size(): number {
    return this.items.size;
  }

  title(type: string): string {
    return this.items.get(type)?.title.text ?? type;
  }

  /** Best first. An empty query lists recent nodes, then all by category and title. */
  search(query: string, options: { filter?: TypeFilter; recent?: readonly string[]; limit?: number } = {}): Hit[] {
    const { filter, recent = [], limit = 100 } = options;
    const words = fold(query.trim()).split(/\s+/).filter(Boolean);
    const whole = words.join(" ");
    const hits: Hit[] = [];
    for (const item of this.items.values()) {
      if (filter && !accepts(item, filter)) continue;
      const hit = words.length === 0 ? { item, score: 0, title: [], via: null } : score(item, words, whole);
      if (!hit) continue;
      const place = recent.indexOf(item.type);
      if (place >= 0) hit.score += words.length === 0 ? 1000 - place : RECENT_BONUS;
      if (item.deprecated) hit.score -= 150;
      hits.push(hit);
    }
    hits.sort((a, b) => b.score - a.score || (a.item.order < b.item.order ? -1 : 1));
    return hits.slice(0, limit);
  }
}

function accepts(item: NodeItem, filter: TypeFilter): boolean {
  return (filter.fromInput ? item.outputs : item.inputs).some((type) => typesFit(type, filter.type));
}

function score(item: NodeItem, words: string[], whole: string): Hit | null {
  const exact = item.title.match(whole);
  if (exact) return { item, score: exact.score * words.length, title: exact.at, via: null };
  const hit: Hit = { item, score: 0, title: [], via: null };
  for (const word of words) {
    const best = bestField(item, word);
    if (!best) return null;
    hit.score += best.match.score * best.weight;
    if (best.text === null) hit.title.push(...best.match.at);
    else hit.via ??= { text: best.text, at: best.match.at };
  }
  return hit;
}

function bestField(item: NodeItem, word: string): { match: Match; weight: number; text: string | null } | null {
  const fields: [Searchable, number, string | null][] = [
    [item.title, 1, null],
    [item.className, WEIGHTS.className, item.className.text],
    ...item.aliases.map((alias): [Searchable, number, string] => [alias, WEIGHTS.alias, alias.text]),
    [item.category, WEIGHTS.category, item.category.text],
    ...(item.source ? [[item.source, WEIGHTS.source, item.source.text] as [Searchable, number, string]] : []),
  ];
  let best: { match: Match; weight: number; text: string | null } | null = null;
  for (const [field, weight, text] of fields) {
    const match = field.match(word);
    if (match && (!best || match.score * weight > best.match.score * best.weight)) best = { match, weight, text };
  }
  return best;
}

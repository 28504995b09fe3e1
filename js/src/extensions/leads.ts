// What only the browser knows of packs' virtual nodes, written into the document (`extra.comfy_notebook`): where the links out of
// them really come from. Python reads it where no browser can be asked. It is derived from the graph and no edit of a person.
import type { NodeId, WorkflowJson } from "../graph";
import { LEADS } from "../leads-key";
import type { Any } from "./types";
import { ends, isPacksVirtual, leadOf, type Links } from "./virtual";

interface SavedLead {
  node: NodeId;
  to: [NodeId, number] | null;
  /** The link by which the value enters the chain of virtual nodes: while it is as it was, the lead holds. */
  last?: number;
}

interface Level {
  led: Record<string, SavedLead>;
  virtual: string[];
}

type Saved = Partial<Level> & { subgraphs?: Record<string, Partial<Level>> };
type Part = Pick<WorkflowJson, "nodes" | "links">;

export class LeadWriter {
  /** By level: what the leads were made from, and the leads. Packs are asked again only when that changed. */
  private readonly known = new Map<string, { text: string; level: Level }>();

  constructor(private readonly root: Any, private readonly knownType: (type: string) => boolean) {}

  /** Packs may answer otherwise from now on. */
  forget(): void {
    this.known.clear();
  }

  write(document: WorkflowJson): void {
    const extra = (document.extra ?? {}) as Record<string, unknown>;
    const before = record(extra[LEADS]) as Saved;
    const own = this.level("", document, this.root, before);
    const inner = (document.definitions?.subgraphs ?? []).flatMap((definition) => {
      const graph = this.root._subgraphs?.get(definition.id);
      const level = graph && this.level(definition.id, definition as unknown as Part, graph, record(record(before.subgraphs)[definition.id]));
      return level ? [[definition.id, level] as const] : [];
    });
    delete extra[LEADS];
    if (own || inner.length > 0) document.extra = { ...extra, [LEADS]: { ...own, ...(inner.length > 0 && { subgraphs: Object.fromEntries(inner) }) } };
  }

  private level(key: string, { nodes = [], links: saved }: Part, graph: Any, before: Partial<Level>): Level | null {
    const links = (saved ?? []) as Links;
    const live = (id: unknown): Any => graph._nodes_by_id[id as string];
    const virtual = nodes.filter(({ id }) => isLed(live(id)));
    const level = virtual.length > 0 ? this.fresh(key, JSON.stringify([virtual.map(meaning), links]), () => leadsOf(virtual.map(({ type }) => type), links, graph)) : { led: {}, virtual: [] };
    // what another window with more packs wrote of nodes that are only kept here
    const kept = (before.virtual ?? []).filter((type) => !this.knownType(type) && nodes.some((node) => node.type === type));
    const left = kept.length > 0 ? Object.entries(record(before.led)).filter(([, lead]) => kept.includes(String(live((lead as SavedLead)?.node)?.type))) : [];
    const merged = { led: { ...Object.fromEntries(left), ...level.led } as Level["led"], virtual: [...new Set([...level.virtual, ...kept])].sort() };
    return merged.virtual.length > 0 ? merged : null;
  }

  private fresh(key: string, text: string, make: () => Level): Level {
    const old = this.known.get(key);
    if (old?.text === text) return old.level;
    const level = make();
    this.known.set(key, { text, level });
    return level;
  }
}

/** Nodes that hand their value on by writing it elsewhere cannot be led: what they would write is not known before. */
function isLed(node: Any): boolean {
  return isPacksVirtual(node) && typeof node.applyToGraph !== "function";
}

function leadsOf(types: string[], links: Links, graph: Any): Level {
  const led: Level["led"] = {};
  for (const link of links) {
    const [number, origin, slot, target] = ends(link);
    if (!isLed(graph._nodes_by_id[origin]) || isPacksVirtual(graph._nodes_by_id[target])) continue;
    let failed = false;
    const { to, last } = leadOf(graph, { id: origin, slot }, () => { failed = true; });
    // a broken pack says nothing, and a node of another level has no name here
    if (failed || (to && to.id !== INPUTS && !graph._nodes_by_id[to.id])) continue;
    led[String(number)] = { node: origin, to: to && [to.id, to.slot], ...(to && last !== null && { last }) };
  }
  return { led, virtual: [...new Set(types)].sort() };
}

/** A node without what moves while a person arranges the graph. */
function meaning({ pos: _pos, size: _size, order: _order, ...node }: Part["nodes"][number]): unknown {
  return node;
}

const INPUTS = -10;

function record(value: unknown): Record<string, Any> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, Any>) : {};
}

// Nodes that exist only in the browser because a pack wrote them so (`isVirtualNode`): for a prompt, links that come out of
// them are led back to where their value really comes from. Only JavaScript knows how.
import type { NodeId, NodeJson, WorkflowJson } from "../graph";
import type { Any } from "./types";

/** Our own virtual nodes: the kernel knows what they mean. */
const KNOWN = new Set(["Note", "MarkdownNote", "Reroute", "PrimitiveNode"]);
const DEEPEST = 1000;

export interface Origin {
  id: NodeId;
  slot: number;
}

type LinkRow = [id: number, origin: NodeId, originSlot: number, target: NodeId, targetSlot: number, type: unknown];
export type Links = (LinkRow | Record<string, unknown>)[];

/** Where a virtual node's value comes from, and the link by which it enters the chain of virtual nodes. */
export interface Lead {
  to: Origin | null;
  last: number | null;
}

/** Whether a live node is left out of prompts by a pack's wish. */
export function isPacksVirtual(node: Any): boolean {
  return !!node?.isVirtualNode && !KNOWN.has(node.type) && !node.isSubgraphNode?.();
}

/** Packs' nodes may write their value into the widgets they are linked to. */
export function applyToGraph(nodes: Iterable<Any>, failed: (node: Any, error: unknown) => void): void {
  for (const node of nodes) {
    if (!isPacksVirtual(node) || typeof node.applyToGraph !== "function") continue;
    try {
      node.applyToGraph([]);
    } catch (error) {
      failed(node, error);
    }
  }
}

/** Takes the virtual nodes of packs out of `document`, which is changed; `graph` is the live graph it was taken from. */
export function leaveOutVirtual(document: WorkflowJson, graph: Any, failed: (node: Any, error: unknown) => void): void {
  leaveOut(document, graph, failed);
  for (const definition of document.definitions?.subgraphs ?? []) {
    const level = graph.subgraphs?.get(definition.id) ?? graph._subgraphs?.get(definition.id);
    if (level) leaveOut(definition as unknown as WorkflowJson, level, failed);
  }
}

function leaveOut(document: Pick<WorkflowJson, "nodes" | "links">, graph: Any, failed: (node: Any, error: unknown) => void): void {
  const gone = new Set<string>();
  for (const { id } of document.nodes ?? []) if (isPacksVirtual(graph._nodes_by_id[id])) gone.add(String(id));
  if (gone.size === 0) return;
  const links: Links = [];
  const dropped = new Set<number>();
  for (const link of (document.links ?? []) as Links) {
    const [id, origin, slot, target] = ends(link);
    if (gone.has(String(target))) dropped.add(id);
    else if (!gone.has(String(origin))) links.push(link);
    else {
      const real = originOf(graph, { id: origin, slot }, failed);
      if (real) links.push(withOrigin(link, real));
      else dropped.add(id);
    }
  }
  document.links = links;
  document.nodes = document.nodes.filter(({ id }) => !gone.has(String(id)));
  const byOrigin = new Map<string, number[]>();
  for (const link of links) {
    const [id, origin, slot] = ends(link);
    const key = `${String(origin)}/${slot}`;
    byOrigin.set(key, [...(byOrigin.get(key) ?? []), id]);
  }
  for (const node of document.nodes) settleSlots(node, dropped, byOrigin);
}

export function ends(link: LinkRow | Record<string, unknown>): [id: number, origin: NodeId, slot: number, target: NodeId] {
  if (Array.isArray(link)) return [link[0], link[1], link[2], link[3]];
  return [link.id as number, link.origin_id as NodeId, link.origin_slot as number, link.target_id as NodeId];
}

function withOrigin(link: LinkRow | Record<string, unknown>, { id, slot }: Origin): LinkRow | Record<string, unknown> {
  if (Array.isArray(link)) return [link[0], id, slot, link[3], link[4], link[5]];
  return { ...link, origin_id: id, origin_slot: slot };
}

function settleSlots(node: NodeJson, dropped: ReadonlySet<number>, byOrigin: ReadonlyMap<string, number[]>): void {
  for (const input of (node.inputs ?? []) as { link?: number | null }[]) if (input.link != null && dropped.has(input.link)) input.link = null;
  ((node.outputs ?? []) as { links?: number[] | null }[]).forEach((output, slot) => {
    const links = byOrigin.get(`${String(node.id)}/${slot}`);
    if (links || output.links?.length) output.links = links ?? [];
  });
}

/** Where the value of a virtual node's output comes from; null where from nowhere. */
function originOf(graph: Any, from: Origin, failed: (node: Any, error: unknown) => void): Origin | null {
  return leadOf(graph, from, failed).to;
}

export function leadOf(graph: Any, from: Origin, failed: (node: Any, error: unknown) => void): Lead {
  let at: Origin | null = from;
  let last: number | null = null;
  for (let step = 0; at && step < DEEPEST; step++) {
    const node: Any = graph._nodes_by_id[at.id];
    if (!isPacksVirtual(node)) return { to: at, last };
    try {
      ({ to: at, last } = behind(node, at.slot));
    } catch (error) {
      failed(node, error);
      break;
    }
  }
  return { to: null, last: null };
}

function behind(node: Any, slot: number): Lead {
  if (typeof node.resolveVirtualOutput === "function") {
    const found = node.resolveVirtualOutput(slot);
    if (found?.node) return { to: { id: found.node.id, slot: found.slot ?? 0 }, last: null };
  }
  const link = node.getInputLink?.(slot);
  return link ? { to: { id: link.origin_id, slot: link.origin_slot }, last: link.id ?? null } : { to: null, last: null };
}

// @vitest-environment happy-dom
// Leading links of packs' virtual nodes back, in both forms of links.
import { describe, expect, it } from "vitest";
import { applyToGraph, leaveOutVirtual } from "../../src/extensions/virtual";
import type { WorkflowJson } from "../../src/graph";

type Links = Record<number, { origin_id: number | string; origin_slot: number }>;

const graph = (nodes: Record<string, unknown>[]) => ({ _nodes_by_id: Object.fromEntries(nodes.map((node) => [node.id, node])), subgraphs: new Map() });
const failed = (): never => { throw new Error("nothing fails here"); };
const slot = (link: number | null) => ({ name: "x", type: "*", link });
const doc = (nodes: unknown[], links: unknown[]): WorkflowJson => ({ nodes, links, version: 0.4 }) as unknown as WorkflowJson;

/** 1 → Put 2; Get 3 → 4, where Get 3 stands for what reaches Put 2. */
function putAndGet(links: Links = { 10: { origin_id: 1, origin_slot: 2 } }) {
  const live = graph([
    { id: 1, type: "Real" }, { id: 2, type: "Put", isVirtualNode: true },
    { id: 3, type: "Get", isVirtualNode: true, getInputLink: () => links[10] }, { id: 4, type: "Real" },
  ]);
  const document = doc(
    [{ id: 1, outputs: [{}, {}, { links: [10] }] }, { id: 2, inputs: [slot(10)] }, { id: 3, outputs: [{ links: [11] }] }, { id: 4, inputs: [slot(11)] }],
    [[10, 1, 2, 2, 0, "IMAGE"], [11, 3, 0, 4, 0, "IMAGE"]],
  );
  return { live, document };
}

describe("links out of virtual nodes", () => {
  it("come from where the pack says", () => {
    const { live, document } = putAndGet();
    leaveOutVirtual(document, live, failed);
    expect(document.nodes.map(({ id }) => id)).toEqual([1, 4]);
    expect(document.links).toEqual([[11, 1, 2, 4, 0, "IMAGE"]]);
    expect((document.nodes[0] as unknown as { outputs: unknown[] }).outputs[2]).toEqual({ links: [11] });
  });

  it("go where there is nothing behind", () => {
    const { live, document } = putAndGet({});
    leaveOutVirtual(document, live, failed);
    expect(document.links).toEqual([]);
    expect((document.nodes[1] as unknown as { inputs: unknown[] }).inputs).toEqual([slot(null)]);
  });

  it("go through chains, and through resolveVirtualOutput", () => {
    const real = { id: 1, type: "Real" };
    const live = graph([
      real, { id: 2, type: "A", isVirtualNode: true, resolveVirtualOutput: () => ({ node: real, slot: 3 }) },
      { id: 3, type: "B", isVirtualNode: true, getInputLink: () => ({ origin_id: 2, origin_slot: 0 }) }, { id: 4, type: "Real" },
    ]);
    const document = doc([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4, inputs: [slot(5)] }], [{ id: 5, origin_id: 3, origin_slot: 0, target_id: 4, target_slot: 0, type: "*" }]);
    leaveOutVirtual(document, live, failed);
    expect(document.links).toEqual([{ id: 5, origin_id: 1, origin_slot: 3, target_id: 4, target_slot: 0, type: "*" }]);
  });

  it("end where a pack runs in a circle or fails", () => {
    const told: unknown[] = [];
    const live = graph([
      { id: 2, type: "A", isVirtualNode: true, getInputLink: () => ({ origin_id: 2, origin_slot: 0 }) },
      { id: 3, type: "B", isVirtualNode: true, getInputLink: () => { throw new Error("broken"); } }, { id: 4, type: "Real" },
    ]);
    const document = doc([{ id: 2 }, { id: 3 }, { id: 4, inputs: [slot(5), slot(6)] }], [[5, 2, 0, 4, 0, "*"], [6, 3, 0, 4, 1, "*"]]);
    leaveOutVirtual(document, live, (node) => told.push(node.type));
    expect(document.links).toEqual([]);
    expect(told).toEqual(["B"]);
  });

  it("of our own nodes and of subgraph instances stay: the kernel knows what they mean", () => {
    const live = graph([{ id: 1, type: "Reroute", isVirtualNode: true }, { id: 2, type: "uuid", isVirtualNode: true, isSubgraphNode: () => true }, { id: 4, type: "Real" }]);
    const document = doc([{ id: 1 }, { id: 2 }, { id: 4, inputs: [slot(5), slot(6)] }], [[5, 1, 0, 4, 0, "*"], [6, 2, 0, 4, 1, "*"]]);
    leaveOutVirtual(document, live, failed);
    expect(document.nodes).toHaveLength(3);
    expect(document.links).toHaveLength(2);
  });
});

it("values are handed to the graph before it is read; a failure is told", () => {
  const done: unknown[] = [];
  const told: unknown[] = [];
  applyToGraph([
    { type: "A", isVirtualNode: true, applyToGraph: (links: unknown) => done.push(links) },
    { type: "B", isVirtualNode: true, applyToGraph: () => { throw new Error("broken"); } }, { type: "Real", applyToGraph: () => done.push("never") },
  ], (node) => told.push(node.type));
  expect(done).toEqual([[]]);
  expect(told).toEqual(["B"]);
});

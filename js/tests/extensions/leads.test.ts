// @vitest-environment happy-dom
// What is written down about packs' virtual nodes, and when packs are asked for it.
import { describe, expect, it } from "vitest";
import { LeadWriter } from "../../src/extensions/leads";
import type { WorkflowJson } from "../../src/graph";

const at = (x: number) => [x, 0];

/** 1 → Put 2; Get 3 → 4; `asked` counts the questions to Get. */
function putAndGet(more: Record<string, unknown> = {}) {
  const asked = { count: 0 };
  const links: Record<number, unknown> = { 10: { id: 10, origin_id: 1, origin_slot: 2 } };
  const getInputLink = (): unknown => { asked.count += 1; return links[10]; };
  const nodes = [
    { id: 1, type: "Real" }, { id: 2, type: "Put", isVirtualNode: true },
    { id: 3, type: "Get", isVirtualNode: true, getInputLink, ...more }, { id: 4, type: "Real" },
  ];
  const graph = { _nodes_by_id: Object.fromEntries(nodes.map((node) => [node.id, node])) as Record<number, Record<string, unknown>>, _subgraphs: new Map() };
  const document = (extra: unknown = {}): WorkflowJson => ({
    nodes: nodes.map(({ id, type }) => ({ id, type })), links: [[10, 1, 2, 2, 0, "IMAGE"], [11, 3, 0, 4, 0, "IMAGE"]], extra, version: 0.4,
  }) as unknown as WorkflowJson;
  const writer = new LeadWriter(graph, (type) => type !== "Lost");
  const written = (extra?: unknown): unknown => {
    const one = document(extra);
    writer.write(one);
    return one.extra;
  };
  return { asked, links, graph, document, writer, written };
}

const LED = { led: { 11: { node: 3, to: [1, 2], last: 10 } }, virtual: ["Get", "Put"] };

describe("the leads of a document", () => {
  it("tell where links out of virtual nodes come from, beside what else is there", () => {
    expect(putAndGet().written({ ds: at(1) })).toEqual({ ds: at(1), comfy_notebook: LED });
  });

  it("are asked for again only when the graph changed or a run begins", () => {
    const { asked, written, writer, links } = putAndGet();
    for (let i = 0; i < 5; i++) written();
    expect(asked.count).toBe(1);
    links[10] = undefined;
    writer.forget();
    expect(written()).toEqual({ comfy_notebook: { led: { 11: { node: 3, to: null } }, virtual: ["Get", "Put"] } });
  });

  it("go with the last virtual node", () => {
    const { writer } = putAndGet();
    const plain = { nodes: [{ id: 1, type: "Real" }], links: [], extra: { ds: at(0), comfy_notebook: LED }, version: 0.4 } as unknown as WorkflowJson;
    writer.write(plain);
    expect(plain.extra).toEqual({ ds: at(0) });
  });

  it("are silent about packs that fail, other levels and nodes that write their value elsewhere", () => {
    const broken = putAndGet({ getInputLink: () => { throw new Error("broken"); } });
    expect(broken.written()).toEqual({ comfy_notebook: { led: {}, virtual: ["Get", "Put"] } });
    const elsewhere = putAndGet({ getInputLink: () => ({ id: 1, origin_id: 77, origin_slot: 0 }) });
    expect(elsewhere.written()).toEqual({ comfy_notebook: { led: {}, virtual: ["Get", "Put"] } });
    const writing = putAndGet({ applyToGraph: () => undefined });
    expect(writing.written()).toEqual({ comfy_notebook: { led: {}, virtual: ["Put"] } });
  });

  it("of nodes that only another window knows are kept", () => {
    const { graph, writer, document } = putAndGet();
    graph._nodes_by_id[9] = { id: 9, type: "Lost" };
    const lead = { node: 9, to: [1, 0] };
    const one = document({ comfy_notebook: { led: { 12: lead, 13: { node: 8, to: null } }, virtual: ["Gone", "Lost"] } });
    (one.nodes as unknown[]).push({ id: 9, type: "Lost" });
    writer.write(one);
    expect(one.extra).toEqual({ comfy_notebook: { led: { 11: LED.led[11], 12: lead }, virtual: ["Get", "Lost", "Put"] } });
  });
});

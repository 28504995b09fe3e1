// @vitest-environment happy-dom
// What the view does with documents and edits, without a browser.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { GraphView } from "../../src/graph";
import type { NodeInfo, WorkflowJson } from "../../src/graph";
import { stubBrowser, testServices } from "./helpers";

const INFO: Record<string, NodeInfo> = {
  Source: { input: { required: {} }, output: ["IMAGE"] },
  Filter: { input: { required: { image: ["IMAGE", {}], amount: ["FLOAT", { default: 1 }], seed: ["INT", { default: 1, max: 100 }] } }, output: ["IMAGE"] },
  Prompt: { input: { required: { text: ["STRING", { multiline: true, dynamicPrompts: true }] } }, output: ["CONDITIONING"] },
};
const node = (id: number, type: string, more: object = {}): WorkflowJson["nodes"][0] =>
  ({ id, type, pos: [id * 300, 0], size: [200, 100], flags: {}, order: 0, mode: 0, properties: {}, ...more }) as WorkflowJson["nodes"][0];
const document_ = (nodes: unknown[], links: unknown[] = [], more: object = {}): WorkflowJson =>
  ({ last_node_id: 9, last_link_id: 9, nodes, links, groups: [], version: 0.4, extra: {}, ...more }) as WorkflowJson;

let view: GraphView;
let notices: string[];

beforeEach(() => {
  stubBrowser();
  notices = [];
  const container = document.createElement("div");
  document.body.append(container);
  view = new GraphView(container, testServices(notices));
  view.setDefinitions(INFO);
});

describe("bad documents", () => {
  it.each([
    ["null", null], ["a text", "hello"], ["no nodes", {}], ["nodes as object", { nodes: {}, links: {} }],
    ["broken entries", { nodes: [null, 3, { id: 1 }, { type: "Source" }, node(1, "Source")], links: [null, [1], "x", { id: 3 }], groups: [null, {}] }],
    ["wild fields", document_([node(1, "Filter", { pos: "here", size: null, inputs: "x", outputs: { a: 1 }, widgets_values: 7, title: { a: 1 }, color: 5, flags: null, properties: [] })])],
    ["keys that would replace methods", document_([node(1, "Source", { serialize: "no", configure: 1, connect: [], __proto__: { a: 1 }, graph: 5 })])],
    ["a subgraph without anything", document_([node(1, "u-1")], [], { definitions: { subgraphs: [{ id: "u-1", name: "S" }, null, {}] } })],
    ["a subgraph inside itself", document_([node(1, "u-2")], [], { definitions: { subgraphs: [{ id: "u-2", name: "S", nodes: [node(1, "u-2")], links: [] }] } })],
  ])("%s", (_, data) => {
    expect(() => view.load(data as never)).not.toThrow();
    expect(() => view.serialize()).not.toThrow();
  });

  it("entries that are no nodes stay in the file", () => {
    view.load(document_([{ strange: true }, node(1, "Source")]));
    expect(view.serialize().nodes).toContainEqual({ strange: true });
  });
});

it("unknown types are reported and kept word for word", () => {
  const unknown = node(1, "Elsewhere", { widgets_values: { a: [1] }, inputs: [{ name: "x", type: "IMAGE", link: null, widget: { name: "x" } }], outputs: [], note: "mine" });
  expect(view.load(document_([unknown])).unknownTypes).toEqual(["Elsewhere"]);
  expect(view.serialize().nodes[0]).toEqual(unknown);
});

it("a definition that arrives later takes the unknown node over", () => {
  view.load(document_([node(1, "Later", { widgets_values: [5] })]));
  view.updateDefinitions({ Later: { input: { required: { n: ["INT", { default: 1 }] } }, output: ["INT"] } }, []);
  expect(view.describe()[0]).toMatchObject({ unknown: false, widgets: [{ name: "n", value: 5 }] });
  view.updateDefinitions({}, ["Later"]);
  expect(view.describe()[0]?.unknown).toBe(true);
  expect(view.serialize().nodes[0]?.widgets_values).toEqual([5]);
});

it("edits tell once per frame, loading never", async () => {
  const heard = vi.fn();
  view.on("change", heard);
  view.load(document_([node(1, "Filter")]));
  await frame();
  expect(heard).not.toHaveBeenCalled();
  view.setWidget(1, "amount", 2);
  view.setWidget(1, "amount", 3);
  view.setTitle(1, "T");
  await frame();
  expect(heard).toHaveBeenCalledTimes(1);
});

it("a document is taken over node by node", () => {
  view.load(document_([node(1, "Source", { outputs: [{ name: "IMAGE", type: "IMAGE", links: [1] }] }), node(2, "Filter", { inputs: [{ name: "image", type: "IMAGE", link: 1 }] })], [[1, 1, 0, 2, 0, "IMAGE"]]));
  const objects = view.raw.graph as { getNodeById(id: number): unknown };
  const [first, second] = [objects.getNodeById(1), objects.getNodeById(2)];
  view.select([1]);
  const next = view.serialize();
  next.nodes[1] = { ...next.nodes[1], widgets_values: [0.5, 7, "fixed"], title: "changed" } as never;
  next.nodes.push(node(3, "Filter", { inputs: [{ name: "image", type: "IMAGE", link: 2 }] }));
  next.links.push([2, 2, 0, 3, 0, "IMAGE"]);
  (next.nodes[1] as { outputs: unknown }).outputs = [{ name: "IMAGE", type: "IMAGE", links: [2] }];
  view.applyDocument(next);
  expect(objects.getNodeById(1)).toBe(first);
  expect(objects.getNodeById(2)).toBe(second);
  expect(view.selection()).toEqual([1]);
  expect(view.getWidget(2, "seed")).toBe(7);
  expect(view.serialize().links).toEqual(next.links);
  const less = view.serialize();
  less.nodes = less.nodes.filter((item) => item.id !== 2);
  less.links = [];
  less.nodes.find((item) => item.id === 1)!.outputs![0]!.links = [];
  less.nodes.find((item) => item.id === 3)!.inputs![0]!.link = null;
  view.applyDocument(less);
  expect(view.describe().map((item) => item.id)).toEqual([1, 3]);
  expect(view.serialize().links).toEqual([]);
});

it("controls move on after a run, not where a link gives the value", () => {
  view.load(document_([node(1, "Filter", { widgets_values: [1, 5, "increment"] })]));
  view.beforeQueue();
  expect(view.getWidget(1, "seed")).toBe(5);
  view.afterQueue();
  expect(view.getWidget(1, "seed")).toBe(6);
});

it("dynamic prompts are the browser's values", async () => {
  view.load(document_([node(1, "Prompt", { widgets_values: ["a {cat}"] })]));
  expect(await view.browserValues()).toEqual({ 1: { text: "a cat" } });
  expect(view.getWidget(1, "text")).toBe("a {cat}");
});

it("legacy reroutes pass the type on, primitives take a widget's kind", () => {
  view.load(document_([node(1, "Source"), node(2, "Reroute"), node(3, "PrimitiveNode"), node(4, "Filter")]));
  expect(view.connect({ node: 1, output: 0 }, { node: 2, input: 0 })).toBe(true);
  expect(view.describe()[1]?.outputs[0]?.type).toBe("IMAGE");
  expect(view.connect({ node: 3, output: 0 }, { node: 4, input: "seed" })).toBe(true);
  expect(view.describe()[2]?.widgets.map((widget) => widget.name)).toEqual(["value", "control_after_generate"]);
});

it("a selection becomes a subgraph and comes back", () => {
  view.load(document_([node(1, "Source"), node(2, "Filter", { widgets_values: [0.25, 1, "fixed"] }), node(3, "Filter")]));
  view.connect({ node: 1, output: 0 }, { node: 2, input: "image" });
  view.connect({ node: 2, output: 0 }, { node: 3, input: "image" });
  view.select([2]);
  view.toSubgraph();
  expect(notices).toEqual([]);
  const instance = view.describe().find((item) => item.id !== 1 && item.id !== 3)!;
  expect(view.serialize().definitions?.subgraphs).toHaveLength(1);
  view.enter(instance.id);
  expect(view.level()).toHaveLength(2);
  expect(view.describe().map((item) => item.type)).toEqual(["Filter"]);
  view.leave();
  const document = view.serialize();
  view.load(document);
  expect(view.serialize().definitions).toEqual(document.definitions);
  view.unpackSubgraph(instance.id);
  const types = view.describe().map((item) => item.type).sort();
  expect(types).toEqual(["Filter", "Filter", "Source"]);
  expect(view.serialize().links).toHaveLength(2);
});

function frame(): Promise<void> {
  return new Promise((done) => setTimeout(done, 60));
}

it("a live preview makes its node larger, but not in the file", () => {
  view.load(document_([node(1, "Filter")]));
  const live = (view.raw.graph as unknown as { getNodeById(id: number): { size: number[]; setSize(size: number[]): void } }).getNodeById(1);
  view.setPreview("1", new Blob([new ArrayBuffer(5)], { type: "image/jpeg" }));
  expect(live.size[1]).toBeGreaterThan(200);
  expect(view.serialize().nodes[0]?.size).toEqual([200, 100]);
  live.setSize([live.size[0] ?? 0, 500]);
  expect(view.serialize().nodes[0]?.size).toEqual([200, 500]);
});

it("links of selected nodes are drawn in the colour of text, which shows on any ground", () => {
  const { canvas } = view.raw as unknown as { canvas: { highlighted_links: object; renderLink(...args: unknown[]): void } };
  const strokes: unknown[] = [];
  vi.stubGlobal("Path2D", class { moveTo(): void {} bezierCurveTo(): void {} });
  const ctx = new Proxy({}, { get: () => () => undefined, set: (_, name, value) => { if (name === "strokeStyle") strokes.push(value); return true; } });
  const draw = (): void => canvas.renderLink(ctx, [0, 0], [90, 50], { id: 1, type: "IMAGE" }, true, 0, null, 4, 3);
  draw();
  canvas.highlighted_links = { 1: true };
  draw();
  expect(strokes.length).toBe(2);
  expect(strokes[1]).not.toBe(strokes[0]);
  expect(strokes[1]).not.toBe("#FFF");
  expect(canvas.highlighted_links).toEqual({ 1: true });
});

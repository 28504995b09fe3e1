// @vitest-environment happy-dom
// Nodes whose widgets packs added, moved and took away: loading, saving and what goes into a prompt.
import { afterEach, beforeEach, expect, it } from "vitest";
import { GraphView, type NodeInfo, type PackHooks, type WorkflowJson } from "../../src/graph";
import { stubBrowser, testServices } from "./helpers";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;

const INFO: Record<string, NodeInfo> = {
  Two: { input: { required: { text: ["STRING", {}], count: ["INT", { default: 3 }] } }, output: ["STRING"] },
  Own: { input: { required: { colour: ["SWATCH", {}] } }, output: [] },
};
const HOOKS: PackHooks = {
  beforeLoad: () => undefined, nodeLoaded: () => undefined, afterLoad: () => undefined, failed: (where, _, error) => { throw new Error(`${where}: ${String(error)}`); },
  outputs: () => undefined, menuItems: () => [], saved: () => undefined, mayHaveChanged: () => undefined,
};
const document_ = (...nodes: object[]): WorkflowJson => ({ last_node_id: 9, last_link_id: 9, links: [], groups: [], version: 0.4, extra: {},
  nodes: nodes.map((node, i) => ({ id: i + 1, pos: [0, 0], size: [200, 100], flags: {}, order: i, mode: 0, properties: {}, ...node })) }) as unknown as WorkflowJson;
const silent = (): undefined => undefined;

let view: GraphView;
let made: (node: Any) => void;
let stop: () => void;

beforeEach(async () => {
  stubBrowser();
  const container = document.createElement("div");
  document.body.append(container);
  view = new GraphView(container, testServices());
  view.setPackHooks(HOOKS);
  made = () => undefined;
  stop = view.onNodeCreated((node) => made(node));
  view.addWidgetTypes({ SWATCH: (node: Any, name) => ({ widget: node.addWidget("text", name, "#000000", silent, {}) }) });
  await view.updateDefinitionsSlowly(INFO, [], () => undefined);
});
afterEach(() => {
  stop();
  view.setPackHooks(null);
});

const widgets = (): [string, unknown][] => (view.raw.graph as Any)._nodes[0].widgets.map((widget: Any) => [widget.name, widget.value]);
const saved = (): unknown => view.serialize().nodes[0]?.widgets_values;

it("widgets behind those of the definition get what stands behind", () => {
  made = (node) => node.addWidget("text", "more", "", silent, {});
  view.load(document_({ type: "Two", widgets_values: ["a", 5, "kept"] }));
  expect(widgets()).toEqual([["text", "a"], ["count", 5], ["more", "kept"]]);
  expect(saved()).toEqual(["a", 5, "kept"]);
});

it("rearranged widgets get the values in their own order, as the pack saved them", () => {
  made = (node) => {
    node.addWidget("text", "first", "", silent, {});
    node.widgets.unshift(node.widgets.pop());
  };
  view.load(document_({ type: "Two", widgets_values: ["f", "a", 5] }));
  expect(widgets()).toEqual([["first", "f"], ["text", "a"], ["count", 5]]);
  expect(saved()).toEqual(["f", "a", 5]);
  // Python, which reads by place, is told the names
  expect(view.serialize().nodes[0]?.properties).toEqual({ comfy_notebook_widgets: ["first", "text", "count"] });
});

it("values by name reach every widget of that name", () => {
  made = (node) => node.addWidget("text", "more", "", silent, {});
  view.load(document_({ type: "Two", widgets_values: { count: 8, more: "m" } }));
  expect(widgets()).toEqual([["text", ""], ["count", 8], ["more", "m"]]);
});

it("a pack reads in onConfigure what the file has", () => {
  let seen: unknown;
  made = (node) => { node.onConfigure = (info: Any) => { seen = [info.widgets_values, node.widgets_values]; }; };
  const odd = { anything: [1, { deep: true }] };
  view.load(document_({ type: "Two", widgets_values: odd }));
  expect(seen).toEqual([odd, odd]);
});

it("widgets that come after loading take the rest with them; when they go it does not come back", () => {
  view.load(document_({ type: "Two", widgets_values: ["a", 5, "later"] }));
  expect(saved()).toEqual(["a", 5, "later"]);
  const node = (view.raw.graph as Any)._nodes[0];
  node.addWidget("text", "late", "now", silent, {});
  expect(saved()).toEqual(["a", 5, "now"]);
  node.removeWidget(node.widgets.at(-1));
  expect(saved()).toEqual(["a", 5]);
});

it("a prompt gets what the kernel cannot read from the document", async () => {
  made = (node) => {
    node.addWidget("text", "free", "f", silent, {});
    node.addWidget("text", "kept here", "k", silent, { serialize: false });
    node.addWidget("button", "press", null, silent);
    node.addCustomWidget({ type: "own", name: "async", value: 1, serializeValue: async (_: unknown, at: number) => ({ at }) });
  };
  view.load(document_({ type: "Two", widgets_values: ["a", 5] }, { type: "Own", widgets_values: ["#123456"] }));
  expect(await view.browserValues()).toEqual({ 1: { free: "f", async: { at: 5 } }, 2: { colour: "#123456", free: "f", async: { at: 4 } } });
});

it("controls that a pack took away move nothing", async () => {
  await view.updateDefinitionsSlowly({ Seed: { input: { required: { seed: ["INT", { default: 0 }] } }, output: [] } }, [], () => undefined);
  made = (node) => { node.widgets.length = 1; };
  view.load(document_({ type: "Seed", widgets_values: [-1] }));
  view.afterQueue();
  expect(widgets()).toEqual([["seed", -1]]);
});

it("inputs that a pack added to the definition travel by name", async () => {
  const info = structuredClone(INFO.Two) as NodeInfo;
  await view.updateDefinitionsSlowly({ Two: info }, [], (_, given) => { (given.input as Any).required.added = ["FLOAT", { default: 0.5 }]; });
  view.load(document_({ type: "Two", widgets_values: ["a", 5, 0.25] }));
  expect(widgets()).toEqual([["text", "a"], ["count", 5], ["added", 0.25]]);
  expect(await view.browserValues()).toEqual({ 1: { added: 0.25 } });
});

it("what packs replace on the canvas's prototype is called, and calls ours", () => {
  const { LGraphCanvas } = view.raw.module as Record<string, Any>;
  const before = LGraphCanvas.prototype.drawNode;
  const calls: unknown[] = [];
  LGraphCanvas.prototype.drawNode = function (...args: unknown[]) {
    calls.push(this === view.raw.canvas);
    return before.apply(this, args);
  };
  view.load(document_({ type: "Two" }));
  const node = (view.raw.graph as Any)._nodes[0];
  (view.raw.canvas as Any).drawNode(node, (view.raw.canvas as Any).ctx);
  LGraphCanvas.prototype.drawNode = before;
  expect(calls).toEqual([true]);
  expect(Object.hasOwn(view.raw.canvas as object, "drawNode")).toBe(false);
});

const inputNames = (): string[] => (view.raw.graph as Any)._nodes[0].inputs.filter((slot: Any) => !slot.widget).map((slot: Any) => slot.name);
const savedNames = (kind: "inputs" | "outputs"): string[] => (view.serialize().nodes[0]?.[kind] ?? []).map((slot: Any) => slot.name);

it("inputs and outputs that a pack adds to a node of a file are saved while nothing is linked to them", () => {
  view.load(document_({ type: "Two", inputs: [{ name: "in_1", type: "*", link: null }], outputs: [{ name: "STRING", type: "STRING", links: [] }], widgets_values: ["a", 5] }));
  const node = (view.raw.graph as Any)._nodes[0];
  node.addInput("in_2", "*");
  node.addOutput("more", "INT");
  expect(savedNames("inputs")).toEqual(["in_1", "in_2"]);
  expect(savedNames("outputs")).toEqual(["STRING", "more"]);
  view.load(view.serialize());
  expect(inputNames()).toEqual(["in_1", "in_2"]);
});

it("inputs and outputs that a pack takes from every new node stay away when a file is opened", async () => {
  await view.updateDefinitionsSlowly({ Many: { input: { optional: { a: ["IMAGE", {}], b: ["IMAGE", {}], c: ["IMAGE", {}] } }, output: ["INT", "FLOAT"] } }, [], () => undefined);
  made = (node) => {
    while (node.inputs.length > 1) node.removeInput(node.inputs.length - 1);
    node.removeOutput(1);
  };
  view.load(document_({ type: "Many", inputs: [{ name: "a", type: "IMAGE", link: null }, { name: "b", type: "IMAGE", link: null }], outputs: [{ name: "INT", type: "INT", links: [] }] }));
  expect(inputNames()).toEqual(["a", "b"]);
  expect(savedNames("inputs")).toEqual(["a", "b"]);
  expect(savedNames("outputs")).toEqual(["INT"]);
  (view.raw.graph as Any)._nodes[0].addInput("c", "IMAGE");
  expect(savedNames("inputs")).toEqual(["a", "b", "c"]);
});

it("keys on the canvas go through processKey as packs wrap it, and to the nodes that are selected", () => {
  view.load(document_({ type: "Two" }));
  const canvas = view.raw.canvas as Any;
  const node = (view.raw.graph as Any)._nodes[0];
  const seen: string[] = [];
  node.onKeyDown = (event: KeyboardEvent) => void seen.push(`node ${event.key}`);
  canvas.select(node);
  const prototype = Object.getPrototypeOf(canvas);
  const before = prototype.processKey;
  prototype.processKey = function (event: KeyboardEvent, ...rest: unknown[]) {
    seen.push(`${event.type} ${event.key}`);
    return before.call(this, event, ...rest);
  };
  try {
    for (const key of ["j", "Delete"]) canvas.canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
  } finally {
    prototype.processKey = before;
  }
  expect(seen).toEqual(["keydown j", "node j", "keydown Delete", "node Delete"]);
  expect((view.raw.graph as Any)._nodes).toHaveLength(1);
});

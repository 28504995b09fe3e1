// @vitest-environment happy-dom
// Inputs that come and go: choices with inputs of their own, growing groups, slots that unfold, types that follow links.
import { beforeEach, describe, expect, it } from "vitest";
import { GraphView } from "../../src/graph";
import type { InputSpec, NodeInfo, WorkflowJson } from "../../src/graph";
import { stubBrowser, testServices } from "./helpers";

const int = (value: number): InputSpec => ["INT", { default: value }];
const INFO: Record<string, NodeInfo> = {
  Image: { input: { required: {} }, output: ["IMAGE"] },
  Mask: { input: { required: {} }, output: ["MASK"] },
  ImageSink: { input: { required: { image: ["IMAGE", {}] } }, output: [] },
  Resize: {
    input: {
      required: {
        input: ["IMAGE,MASK", {}],
        how: ["COMFY_DYNAMICCOMBO_V3", { options: [
          { key: "size", inputs: { required: { width: int(512), height: int(256) } } },
          { key: "factor", inputs: { required: { by: ["FLOAT", { default: 1.5 }], mode: ["COMFY_DYNAMICCOMBO_V3", { options: [
            { key: "plain", inputs: { required: {} } }, { key: "steps", inputs: { required: { count: int(3) } } },
          ] }] } } },
          { key: "match", inputs: { required: { other: ["IMAGE,MASK", {}] } } },
        ] }],
        method: ["COMBO", { options: ["area", "lanczos"] }],
      },
    },
    output: ["IMAGE"],
  },
  Grow: {
    input: { required: { images: ["COMFY_AUTOGROW_V3", { template: { input: { required: { image: ["IMAGE", {}] } }, prefix: "image", min: 2, max: 4 } }], n: int(1) } },
    output: ["IMAGE"],
  },
  Named: {
    input: { required: { v: ["COMFY_AUTOGROW_V3", { template: { input: { required: { x: ["FLOAT", {}] } }, names: ["a", "b", "c"], min: 1 } }] } }, output: ["FLOAT"],
  },
  Listed: { input: { required: {}, optional: Object.fromEntries(["a", "b"].map((name) => [`values.${name}`, ["*", { forceInput: true, display_name: name }]])) }, output: ["*"] },
  Same: {
    input: { required: {
      on_true: ["COMFY_MATCHTYPE_V3", { template: { template_id: "T", allowed_types: "*" } }],
      on_false: ["COMFY_MATCHTYPE_V3", { template: { template_id: "T", allowed_types: "*" } }],
    } },
    output: ["COMFY_MATCHTYPE_V3"], output_matchtypes: ["T"], output_name: ["output"],
  },
  Unfold: { input: { required: { model: ["COMFY_DYNAMICSLOT_V3", { slotType: "IMAGE", inputs: { required: { strength: ["FLOAT", { default: 1 }] } } }] } }, output: [] },
  Custom: { input: { required: { choice: ["COMBO", { options: [], options_prefix: "option" }] }, optional: { index: int(0) } }, output: ["STRING"] },
};

let view: GraphView;
const node = (id: number, type: string, more: object = {}): object =>
  ({ id, type, pos: [id * 300, 0], size: [300, 200], flags: {}, order: 0, mode: 0, properties: {}, ...more });
const load = (nodes: object[], links: unknown[] = []): void => {
  view.load({ last_node_id: 99, last_link_id: 99, nodes, links, groups: [], version: 0.4, extra: {} } as unknown as WorkflowJson);
};
const inputs = (id: number): string[] => view.describe().find((item) => item.id === id)!.inputs.map(({ name }) => name);
const widgets = (id: number): [string, unknown][] => view.describe().find((item) => item.id === id)!.widgets.map(({ name, value }) => [name, value]);
const saved = (id: number): Record<string, unknown> => view.serialize().nodes.find((item) => item.id === id) as unknown as Record<string, unknown>;
const link = (from: number, to: number, input: string): boolean => view.connect({ node: from, output: 0 }, { node: to, input });
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

beforeEach(() => {
  stubBrowser();
  const container = document.createElement("div");
  document.body.append(container);
  view = new GraphView(container, testServices());
  view.setDefinitions(INFO);
});

describe("choices that bring inputs", () => {
  it("a new node has the inputs of the first choice", () => {
    load([]);
    const id = view.addNode("Resize", [0, 0])!;
    expect(widgets(id as number)).toEqual([["how", "size"], ["how.width", 512], ["how.height", 256], ["method", "area"]]);
  });

  it("another choice changes widgets and sockets, values of what stays are kept", () => {
    load([node(1, "Resize", { widgets_values: ["size", 100, 200, "lanczos"] }), node(2, "Image")]);
    view.setWidget(1, "how", "factor");
    expect(widgets(1)).toEqual([["how", "factor"], ["how.by", 1.5], ["how.mode", "plain"], ["method", "lanczos"]]);
    view.setWidget(1, "how.mode", "steps");
    expect(widgets(1)).toEqual([["how", "factor"], ["how.by", 1.5], ["how.mode", "steps"], ["how.mode.count", 3], ["method", "lanczos"]]);
    expect(saved(1).widgets_values).toEqual(["factor", 1.5, "steps", 3, "lanczos"]);
    view.setWidget(1, "how", "match");
    expect(inputs(1)).toEqual(["input", "how.other", "how", "method"]);
    expect(link(2, 1, "how.other")).toBe(true);
    view.setWidget(1, "how", "size");
    expect(view.serialize().links).toEqual([]);
  });

  it.each([
    [["size", 1, 2, "area"]], [["factor", 2, "steps", 9, "lanczos"]], [["factor", 2, "plain", "area"]], [["match", "lanczos"]],
  ])("files keep their values: %j", (values) => {
    load([node(1, "Resize", { widgets_values: values })]);
    expect(widgets(1).map(([, value]) => value)).toEqual(values);
    expect(saved(1).widgets_values).toEqual(values);
  });

  it("links to inputs of a choice survive loading and changes from outside", () => {
    load([node(1, "Resize", { widgets_values: ["match", "area"] }), node(2, "Image"), node(3, "Mask")]);
    link(3, 1, "how.other");
    link(2, 1, "input");
    const document = view.serialize();
    view.load(document);
    expect(view.serialize().links).toEqual(document.links);
    const next = structuredClone(document);
    next.nodes[0]!.widgets_values = ["factor", 2, "plain", "area"];
    next.nodes[0]!.inputs = next.nodes[0]!.inputs!.filter((slot) => slot.name !== "how.other");
    next.nodes[2]!.outputs![0]!.links = [];
    next.links = next.links.filter((item) => (item as number[])[1] !== 3);
    view.applyDocument(next);
    expect(widgets(1)).toEqual([["how", "factor"], ["how.by", 2], ["how.mode", "plain"], ["method", "area"]]);
    expect(view.serialize().links).toEqual(next.links);
  });
});

describe("growing groups", () => {
  it.each([
    ["Grow", ["images.image0", "images.image1"], ["images.image2", "images.image3"], "images.image"],
    ["Named", ["v.a"], ["v.b", "v.c"], "v."],
    ["Listed", ["values.a", "values.b"], ["values.c"], "values."],
  ])("%s offers one more than is linked", async (type, first, more, prefix) => {
    load([node(1, type), node(2, type === "Named" ? "Named" : "Image")]);
    const members = (): string[] => inputs(1).filter((name) => name.startsWith(prefix));
    expect(members()).toEqual(first);
    for (const [n, name] of [...first, ...more].entries()) {
      expect(link(2, 1, name)).toBe(true);
      await settled();
      const rest = [...first, ...more].slice(0, Math.max(first.length, n + 2));
      expect(members().slice(0, rest.length)).toEqual(rest);
    }
    const document = view.serialize();
    view.load(document);
    expect(view.serialize().links).toEqual(document.links);
    for (const name of [...more].reverse()) view.disconnectInput(1, name);
    view.disconnectInput(1, first.at(-1)!);
    await settled();
    expect(members()).toEqual(first);
  });

  it("stops at the most and keeps other links in place", async () => {
    load([node(1, "Grow"), node(2, "Image")]);
    for (const n of [0, 1, 2, 3]) {
      link(2, 1, `images.image${n}`);
      await settled();
    }
    expect(inputs(1)).toEqual(["images.image0", "images.image1", "images.image2", "images.image3", "n"]);
    view.disconnectInput(1, "images.image1");
    await settled();
    const described = view.describe()[0]!.inputs.filter((input) => input.link).map((input) => input.name);
    expect(described).toEqual(["images.image0", "images.image2", "images.image3"]);
  });
});

it("one type runs through a template and the nodes behind it", async () => {
  load([node(1, "Image"), node(2, "Mask"), node(3, "Same"), node(4, "Same"), node(5, "ImageSink")]);
  link(3, 4, "on_true");
  link(1, 3, "on_true");
  await settled();
  const types = (id: number): string[] => {
    const item = view.describe().find((candidate) => candidate.id === id)!;
    return [...item.inputs, ...item.outputs].map(({ type }) => type);
  };
  expect(types(3)).toEqual(["IMAGE", "IMAGE", "IMAGE"]);
  expect(types(4)).toEqual(["IMAGE", "IMAGE", "IMAGE"]);
  expect(link(2, 3, "on_false")).toBe(false);
  expect(link(4, 5, "image")).toBe(true);
  const document = view.serialize();
  view.load(document);
  expect(types(4)).toEqual(["IMAGE", "IMAGE", "IMAGE"]);
  view.disconnectInput(3, "on_true");
  view.disconnectInput(5, "image");
  await settled();
  expect(types(3)).toEqual(["*", "*", "*"]);
});

it("a slot unfolds its inputs while it is linked", async () => {
  load([node(1, "Unfold"), node(2, "Image")]);
  expect(inputs(1)).toEqual(["model"]);
  link(2, 1, "model");
  await settled();
  expect(widgets(1)).toEqual([["model.strength", 1]]);
  view.setWidget(1, "model.strength", 0.5);
  view.load(view.serialize());
  expect(widgets(1)).toEqual([["model.strength", 0.5]]);
  view.disconnectInput(1, "model");
  await settled();
  expect(widgets(1)).toEqual([]);
});

describe("choices that a node keeps itself", () => {
  it("are edited on the node and offered by its combo", () => {
    load([node(1, "Custom", { widgets_values: ["b", 0, "a", "b", ""] })]);
    const choice = (): unknown => view.describe()[0]!.widgets[0]!.options;
    expect(choice()).toEqual(["a", "b"]);
    view.setWidget(1, "option3", "c");
    expect(choice()).toEqual(["a", "b", "c"]);
    expect(saved(1).widgets_values).toEqual(["b", 0, "a", "b", "c"]);
    view.setWidget(1, "option3", "");
    view.setWidget(1, "option2", "");
    expect(widgets(1).map(([name]) => name)).toEqual(["choice", "index", "option1", "option2"]);
  });

  it.each([[["b", 0, "a", "b"]], [["b", 0, "a", "b", ""]], [["x", 2, "", "y", "", "z", ""]], [[]]])("files keep %j", (values) => {
    load([node(1, "Custom", { widgets_values: values })]);
    expect(saved(1).widgets_values).toEqual(values);
  });
});

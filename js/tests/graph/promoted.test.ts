// @vitest-environment happy-dom
// Widgets of inner nodes on subgraph instances: both generations of `proxyWidgets`, and seeds that move on.
import { beforeEach, describe, expect, it } from "vitest";
import { GraphView } from "../../src/graph";
import type { NodeInfo, WorkflowJson } from "../../src/graph";
import { stubBrowser, testServices } from "./helpers";

const INFO: Record<string, NodeInfo> = {
  Sampler: { input: { required: { image: ["IMAGE", {}], seed: ["INT", { default: 1, max: 1000 }], how: [["a", "b"], {}], text: ["STRING", { multiline: true }] } }, output: ["IMAGE"] },
};
const ID = "6b6f3f50-0000-4000-8000-000000000001";

function workflow(instance: object, version: string | null, seedLinked = false): WorkflowJson {
  const input = { id: "in-1", name: "my_seed", type: "INT", linkIds: [1] };
  return {
    last_node_id: 9, last_link_id: 9, links: [], groups: [], version: 0.4, extra: version ? { frontendVersion: version } : {},
    nodes: [{ id: 5, type: ID, pos: [0, 0], size: [300, 300], flags: {}, order: 0, mode: 0, inputs: [], outputs: [], ...instance }],
    definitions: { subgraphs: [{
      id: ID, name: "Inside", version: 1, revision: 0, state: { lastNodeId: 3, lastLinkId: 3, lastGroupId: 0, lastRerouteId: 0 }, config: {}, widgets: [], groups: [], extra: {},
      inputNode: { id: -10, bounding: [0, 0, 100, 60] }, outputNode: { id: -20, bounding: [900, 0, 100, 60] },
      inputs: seedLinked ? [input] : [], outputs: [],
      nodes: [{
        id: 3, type: "Sampler", pos: [200, 0], size: [300, 200], flags: {}, order: 0, mode: 0, properties: {}, outputs: [],
        inputs: seedLinked ? [{ name: "seed", type: "INT", widget: { name: "seed" }, link: 1 }] : [], widgets_values: [7, "increment", "a", "inner"],
      }],
      links: seedLinked ? [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 3, target_slot: 0, type: "INT" }] : [],
    }] },
  } as unknown as WorkflowJson;
}

let view: GraphView;
const shown = (): [string, unknown][] => view.describe()[0]!.widgets.map(({ name, value }) => [name, value]);
const instance = (): Record<string, unknown> => view.serialize().nodes[0] as unknown as Record<string, unknown>;
const inside = (): unknown => view.serialize().definitions!.subgraphs![0]!.nodes![0]!.widgets_values;

beforeEach(() => {
  stubBrowser();
  const container = document.createElement("div");
  document.body.append(container);
  view = new GraphView(container, testServices());
  view.setDefinitions(INFO);
});

const LIST = [["3", "text"], ["3", "seed"], ["3", "control_after_generate"], ["99", "gone"], ["3", "$$canvas-image-preview"]];

describe.each([["a list", LIST], ["JSON text", JSON.stringify(LIST)]])("older files, %s", (_, list) => {
  it("edit the inner widgets", () => {
    view.load(workflow({ properties: { proxyWidgets: list } }, "1.26.1"));
    expect(shown()).toEqual([["text", "inner"], ["seed", 7], ["control_after_generate", "increment"]]);
    expect(instance().widgets_values).toBeUndefined();
    view.setWidget(5, "seed", 40);
    view.setWidget(5, "text", "typed");
    view.setWidget(5, "control_after_generate", "decrement");
    expect(inside()).toEqual([40, "decrement", "a", "typed"]);
    view.afterQueue();
    expect(view.getWidget(5, "seed")).toBe(39);
    expect(instance().widgets_values).toBeUndefined();
    expect(instance().properties).toEqual({ proxyWidgets: list });
  });
});

describe("newer files", () => {
  it("keep the values on the instance, in the order of the list", () => {
    view.load(workflow({ properties: { proxyWidgets: [["3", "text"], ["99", "gone"], ["3", "seed"], ["3", "how"]] }, widgets_values: ["outer", "kept", 20, null] }, "1.45.0"));
    expect(shown()).toEqual([["text", "outer"], ["seed", 20], ["how", "a"]]);
    expect(instance().widgets_values).toEqual(["outer", "kept", 20, null]);
    view.setWidget(5, "how", "b");
    expect(instance().widgets_values).toEqual(["outer", "kept", 20, "b"]);
    expect(inside()).toEqual([7, "increment", "a", "inner"]);
    view.afterQueue();
    expect(view.getWidget(5, "seed")).toBe(21);
  });

  it("say nothing where nothing was set, and own inputs have their place", () => {
    view.load(workflow({ properties: { proxyWidgets: [["3", "how"], ["-1", "my_seed"]] }, widgets_values: [null, 30], inputs: [{ name: "my_seed", type: "INT", widget: { name: "my_seed" }, link: null }] }, "1.45.0", true));
    expect(shown()).toEqual([["how", "a"], ["my_seed", 30]]);
    expect(instance().widgets_values).toEqual([null, 30]);
    view.afterQueue();
    expect(shown()).toEqual([["how", "a"], ["my_seed", 31]]);
    expect(inside()).toEqual([7, "increment", "a", "inner"]);
  });
});

describe("files that state no version", () => {
  const own = { inputs: [{ name: "my_seed", type: "INT", widget: { name: "my_seed" }, link: null }] };

  it("give values to what the list has after the own widgets", () => {
    const properties = { proxyWidgets: [["-1", "my_seed"], ["3", "how"]] };
    view.load(workflow({ ...own, properties, widgets_values: [30, "b"] }, null, true));
    expect(shown()).toEqual([["my_seed", 30], ["how", "b"]]);
    expect(instance().widgets_values).toEqual([30, "b"]);
    expect(inside()).toEqual([7, "increment", "a", "inner"]);
  });

  it.each([
    ["an inner one first", [["3", "how"], ["-1", "my_seed"]], [30, "b"]],
    ["fewer values than entries", [["-1", "my_seed"], ["3", "how"]], [30]],
  ])("read them by input: %s", (_, proxyWidgets, values) => {
    view.load(workflow({ ...own, properties: { proxyWidgets }, widgets_values: values }, null, true));
    expect(shown()).toEqual([["my_seed", 30], ["how", "a"]]);
  });
});

// Pages shown in dialogs: the keys, and what a node is.

import type { NodeDescription, NodeInfo } from "../graph";
import { h } from "./dom";
import { keyLabel, type Commands } from "./keyboard";

export function shortcutList(commands: Commands): HTMLElement {
  const pointer: [string, string][] = [["Double click or Space", "Add a node"], ["Drag a link to empty canvas", "Add a fitting node"], ["Ctrl+drag", "Select an area"], ["Alt+drag", "Clone a node"], ["Hold Space", "Pan"]];
  const keys = commands.all().map(({ id, label }): [string, string] => [commands.keysOf(id).map((key) => keyLabel(key)).join(" or "), label]);
  const rows = [...keys.filter(([combos]) => combos !== ""), ...pointer];
  return h("dl", { class: "cn-keys" }, ...rows.flatMap(([keys, label]) => [h("dt", {}, label), h("dd", {}, h("kbd", {}, keys))]));
}

export function nodeDescription(node: NodeDescription, info: NodeInfo | undefined): HTMLElement {
  const facts: [string, string | undefined][] = [
    ["Type", node.type], ["Id", String(node.id)], ["Category", info?.category], ["From", info?.python_module],
    ["Inputs", node.inputs.map((input) => `${input.label || input.name} (${input.type})`).join(", ")],
    ["Outputs", node.outputs.map((output) => `${output.label || output.name} (${output.type})`).join(", ")],
  ];
  return h("div", { class: "cn-about" },
    h("p", {}, info ? (info.description ?? "") : "This node type is not installed. The node is kept as it is and cannot run."),
    h("dl", {}, ...facts.flatMap(([name, value]) => (value ? [h("dt", {}, name), h("dd", {}, value)] : []))));
}

// The graph as a tree for screen readers and the keyboard, hidden from sight: nodes with their inputs and widgets. Walking it
// selects on the canvas, Enter edits a widget.

import type { GraphViewApi, NodeDescription } from "../graph";
import { h } from "./dom";

const LIMIT = 1000;
const REBUILD_MS = 400;
const MODES: Record<number, string> = { 2: "muted", 4: "bypassed" };

export class Outline {
  readonly element = h("ul", { class: "cn-visually-hidden", role: "tree", "aria-label": "Nodes of the workflow" });
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: Pick<GraphViewApi, "describe" | "select" | "center" | "focus">,
    private readonly editWidget: (node: NodeDescription, name: string) => void,
  ) {
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusin", (event) => this.focused(event.target as HTMLElement));
  }

  /** The graph changed: the tree follows soon. */
  changed(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.rebuild(), REBUILD_MS);
  }

  destroy(): void {
    clearTimeout(this.timer);
  }

  private rebuild(): void {
    const focus = (document.activeElement as HTMLElement | null)?.closest?.("[role=treeitem]");
    const place = focus && this.element.contains(focus) ? focus.getAttribute("data-place") : null;
    const nodes = this.view.describe();
    const titles = new Map(nodes.map((node) => [String(node.id), node.title]));
    this.element.replaceChildren(...nodes.slice(0, LIMIT).map((node) => this.node(node, titles)));
    const items = this.items();
    const again = items.find((item) => item.getAttribute("data-place") === place);
    (again ?? items[0])?.setAttribute("tabindex", "0");
    if (place !== null) again?.focus({ preventScroll: true });
  }

  private node(node: NodeDescription, titles: Map<string, string>): HTMLElement {
    const state = [node.unknown && "unknown type", MODES[node.mode], node.error && `error: ${node.error}`].filter(Boolean).join(", ");
    const label = [node.title, node.title === node.type ? "" : node.type, state].filter(Boolean).join(", ");
    const inputs = node.inputs.filter((input) => input.link !== null).map((input) => `${input.label || input.name} from ${titles.get(String(input.link?.node)) ?? "a node"}`);
    const open = node.inputs.filter((input) => input.link === null && !node.widgets.some((widget) => widget.name === input.name)).map((input) => input.label || input.name);
    const item = (key: string, text: string, name?: string) =>
      h("li", { role: "treeitem", tabindex: "-1", "aria-level": "2", "data-place": `${node.id}/${key}`, "data-node": node.id, "data-widget": name }, text);
    return h("li", { role: "treeitem", tabindex: "-1", "aria-level": "1", "aria-expanded": "true", "aria-label": label, "data-place": node.id, "data-node": node.id },
      h("ul", { role: "group" },
        ...inputs.map((text, index) => item(`in${index}`, `input ${text}`)),
        open.length > 0 && item("open", `not connected: ${open.join(", ")}`),
        ...node.widgets.map((widget) => item(widget.name, `${widget.label || widget.name}: ${String(widget.value)}${widget.disabled ? ", read only" : ""}`, widget.disabled ? undefined : widget.name))));
  }

  private items(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[role=treeitem]")];
  }

  private key(event: KeyboardEvent): void {
    const items = this.items();
    const at = items.indexOf(event.target as HTMLElement);
    const nodes = items.filter((item) => item.getAttribute("aria-level") === "1");
    const id = items[at]?.getAttribute("data-node");
    const node = nodes.findIndex((item) => item.getAttribute("data-node") === id);
    const inside = items[at]?.getAttribute("aria-level") === "2";
    const to = {
      ArrowDown: inside ? items[at + 1] : nodes[node + 1], ArrowUp: inside ? items[at - 1] : nodes[node - 1],
      ArrowRight: inside ? undefined : items[at + 1], ArrowLeft: inside ? nodes[node] : undefined, Home: nodes[0], End: nodes.at(-1),
    }[event.key];
    if (to) this.move(to);
    else if (event.key === "Enter") this.edit(items[at]);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private move(to: HTMLElement): void {
    for (const item of this.items()) item.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus({ preventScroll: true });
  }

  private focused(item: HTMLElement): void {
    const node = this.describe(item);
    if (!node) return;
    this.view.select([node.id]);
    this.view.center(node.id);
  }

  private edit(item: HTMLElement | undefined): void {
    const node = item && this.describe(item);
    const name = item?.getAttribute("data-widget");
    if (node && name) this.editWidget(node, name);
    else if (node) this.view.focus();
  }

  private describe(item: HTMLElement): NodeDescription | undefined {
    const id = item.getAttribute("data-node");
    return id === null ? undefined : this.view.describe().find((node) => String(node.id) === id);
  }
}

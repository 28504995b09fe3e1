// Edits of the graph that shell buttons, menus and keys ask for.
import { typesFit } from "./definitions";
import type { ViewCore } from "./core";
import { LGraphGroup, type LGraphNode, LiteGraph, SubgraphNode } from "./litegraph";
import { followLive } from "./live-inputs";
import { watchChosenFile } from "./loader";
import { NODE_COLORS } from "./theme";
import type { AddNodeOptions, LinkEnd, NodeId, Point } from "./types";
import { unpackSubgraph } from "./unpack";
import { type AnyWidget, commitValue } from "./widget-classes";

type OffMode = 2 | 4; // muted, bypassed
const CLIPBOARD = "litegrapheditor_clipboard";

export class Editing {
  constructor(readonly core: ViewCore) {}

  nodes(ids?: NodeId[]): LGraphNode[] {
    const wanted = ids ?? this.core.selectedIds();
    return wanted.map((id) => this.core.node(id)).filter((node): node is LGraphNode => node !== null);
  }

  addNode(type: string, pos: Point, options: AddNodeOptions = {}): NodeId | null {
    const { core } = this;
    const node = LiteGraph.createNode(type, options.title);
    if (!node) return null;
    node.pos = [pos[0], pos[1]];
    core.shownGraph().add(node);
    for (const [name, value] of Object.entries(options.values ?? {})) {
      const widget = node.widgets?.find((candidate) => candidate.name === name) as AnyWidget;
      if (!widget) continue;
      widget.value = value;
      if (widget.cnPlan?.decides) followLive(node);
    }
    watchChosenFile(node, core);
    if (options.connectFrom) this.connectNew(node, options.connectFrom);
    if (options.select !== false) core.canvas.selectNodes([node]);
    core.changed("add");
    core.unarranged = true;
    core.redraw();
    return node.id;
  }

  private connectNew(node: LGraphNode, from: LinkEnd): void {
    const other = this.core.node(from.node);
    if (!other) return;
    if (from.input) {
      const output = node.outputs.findIndex((slot) => typesFit(slot.type, from.type));
      if (output >= 0) node.connect(output, other, from.slot);
    } else {
      // a socket of exactly this type before a wildcard, sockets before widgets
      const rank = (slot: { type: unknown; widget?: unknown }): number =>
        (String(slot.type).toUpperCase() === from.type.toUpperCase() ? 0 : 2) + (slot.widget ? 1 : 0);
      const best = node.inputs.map((slot, i) => ({ slot, i })).filter(({ slot }) => typesFit(slot.type, from.type)).sort((a, b) => rank(a.slot) - rank(b.slot))[0];
      if (best) other.connect(from.slot, node, best.i);
    }
  }

  connect(from: { node: NodeId; output: number | string }, to: { node: NodeId; input: number | string }): boolean {
    const source = this.core.node(from.node);
    const target = this.core.node(to.node);
    if (!source || !target) return false;
    const output = typeof from.output === "number" ? from.output : source.findOutputSlot(from.output);
    const input = typeof to.input === "number" ? to.input : target.findInputSlot(to.input);
    if (output < 0 || input < 0 || !target.inputs[input] || !source.outputs[output]) return false;
    const link = source.connect(output, target, input);
    this.done("connect");
    return !!link;
  }

  disconnectInput(id: NodeId, input: number | string): void {
    const node = this.core.node(id);
    const slot = typeof input === "number" ? input : (node?.findInputSlot(input) ?? -1);
    if (node && slot >= 0 && node.inputs[slot]?.link != null) node.disconnectInput(slot);
    this.done("disconnect");
  }

  removeSelected(): void {
    if (this.core.readOnly || !this.core.canvas.selectedItems.size) return;
    this.core.canvas.deleteSelected();
    this.done("remove");
  }

  private done(kind: Parameters<ViewCore["changed"]>[0]): void {
    this.core.changed(kind);
    this.core.unarranged = true;
    this.core.redraw();
  }

  // ---------------------------------------------------------------------------------------------------------- clipboard

  copy(): boolean {
    const { canvas, services } = this.core;
    if (!canvas.selectedItems.size) return false;
    return withStorage(services.storage, () => {
      canvas.copyToClipboard();
      return services.storage.getItem(CLIPBOARD) !== null;
    });
  }

  paste(options: { pos?: Point; withLinks?: boolean; text?: string } = {}): void {
    const { canvas, services } = this.core;
    if (this.core.readOnly) return;
    if (options.text !== undefined) {
      if (!isClipboard(options.text)) return;
      services.storage.setItem(CLIPBOARD, options.text);
    }
    withStorage(services.storage, () => {
      try {
        canvas.pasteFromClipboard({ connectInputs: options.withLinks, position: options.pos ?? [canvas.graph_mouse[0] as number, canvas.graph_mouse[1] as number] });
      } catch (error) {
        services.notify("error", `What was copied cannot be pasted: ${String(error)}`);
      }
    });
    for (const node of this.core.shownGraph()._nodes) watchChosenFile(node, this.core);
    this.done("paste");
  }

  clipboardText(): string | null {
    return this.core.services.storage.getItem(CLIPBOARD);
  }

  // ------------------------------------------------------------------------------------------------------------- groups

  groupSelected(title = "Group", pos?: Point): void {
    const { canvas } = this.core;
    const group = new LGraphGroup(title);
    const items = [...canvas.selectedItems];
    if (items.length) group.resizeTo(items, 12);
    else {
      group.pos = pos ?? [canvas.graph_mouse[0] as number, canvas.graph_mouse[1] as number];
      group.size = [320, 200];
    }
    this.core.shownGraph().add(group);
    this.done("group");
  }

  // -------------------------------------------------------------------------------------------------------------- nodes

  setMode(mode: number, ids?: NodeId[]): void {
    for (const node of this.nodes(ids)) node.mode = mode;
    this.done("mode");
  }

  toggleMode(mode: OffMode, ids?: NodeId[]): void {
    const nodes = this.nodes(ids);
    const off = nodes.every((node) => node.mode === mode);
    for (const node of nodes) node.mode = off ? 0 : mode;
    this.done("mode");
  }

  collapse(ids?: NodeId[]): void {
    for (const node of this.nodes(ids)) node.collapse(true);
    this.done("property");
  }

  pin(ids?: NodeId[]): void {
    const nodes = this.nodes(ids);
    const on = !nodes.every((node) => node.pinned);
    for (const node of nodes) node.pin(on);
    this.done("property");
  }

  setTitle(id: NodeId, title: string): void {
    const node = this.core.node(id);
    if (!node) return;
    node.title = title || (node.constructor as { title?: string }).title || node.type;
    this.done("title");
  }

  setColor(name: string | null, ids?: NodeId[]): void {
    const option = name === null ? null : NODE_COLORS[name];
    if (option === undefined) return;
    for (const node of this.nodes(ids)) {
      if (option) Object.assign(node, { color: option.color, bgcolor: option.bgcolor });
      else {
        delete node.color;
        delete node.bgcolor;
      }
    }
    if (!ids) {
      for (const group of this.core.shownGraph()._groups) {
        if (this.core.canvas.selectedItems.has(group)) group.color = option?.groupcolor ?? "#3f789e";
      }
    }
    this.done("color");
  }

  align(how: string, ids?: NodeId[]): void {
    const nodes = this.nodes(ids).filter((node) => !node.pinned);
    if (nodes.length < 2) return;
    const edges = nodes.map((node) => ({ node, x: node.pos[0], y: node.pos[1], r: node.pos[0] + node.size[0], b: node.pos[1] + node.size[1] }));
    if (how === "left") for (const { node } of edges) node.pos[0] = Math.min(...edges.map((edge) => edge.x));
    if (how === "right") for (const { node } of edges) node.pos[0] = Math.max(...edges.map((edge) => edge.r)) - node.size[0];
    if (how === "top") for (const { node } of edges) node.pos[1] = Math.min(...edges.map((edge) => edge.y));
    if (how === "bottom") for (const { node } of edges) node.pos[1] = Math.max(...edges.map((edge) => edge.b)) - node.size[1];
    if (how.startsWith("distribute")) {
      const axis = how === "distribute-x" ? 0 : 1;
      const sorted = [...nodes].sort((a, b) => a.pos[axis] - b.pos[axis]);
      const first = sorted[0] as LGraphNode;
      const last = sorted.at(-1) as LGraphNode;
      const room = last.pos[axis] + last.size[axis] - first.pos[axis] - sorted.reduce((sum, node) => sum + node.size[axis], 0);
      let at = first.pos[axis];
      for (const node of sorted) {
        node.pos[axis] = at;
        at += node.size[axis] + room / (sorted.length - 1);
      }
    }
    this.done("move");
  }

  arrange(): void {
    this.core.shownGraph().arrange(100);
    this.done("move");
    this.core.fit();
  }

  setWidget(id: NodeId, name: string, value: unknown): boolean {
    const node = this.core.node(id);
    const widget = node?.widgets?.find((candidate) => candidate.name === name);
    if (!node || !widget) return false;
    commitValue(widget, value, { node, canvas: this.core.canvas });
    return true;
  }

  // ---------------------------------------------------------------------------------------------------------- subgraphs

  toSubgraph(): void {
    const { canvas, services } = this.core;
    if (!canvas.selectedItems.size) return;
    try {
      const { node } = this.core.shownGraph().convertToSubgraph(canvas.selectedItems as never);
      canvas.selectNodes([node]);
      this.done("subgraph");
    } catch (error) {
      services.notify("error", `The selection cannot become a subgraph: ${String(error)}`);
    }
  }

  unpack(id: NodeId): void {
    const instance = this.core.node(id);
    if (!(instance instanceof SubgraphNode)) return;
    unpackSubgraph(this.core, instance);
    this.done("subgraph");
  }
}

function isClipboard(text: string): boolean {
  try {
    const data = JSON.parse(text) as { nodes?: unknown };
    return typeof data === "object" && data !== null && Array.isArray(data.nodes) && !("links" in data && "version" in data);
  } catch {
    return false;
  }
}

/** litegraph copies through `localStorage`, which many frames deny: it sees the host's storage for the moment. */
function withStorage<T>(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">, work: () => T): T {
  const own = Object.getOwnPropertyDescriptor(window, "localStorage");
  try {
    Object.defineProperty(window, "localStorage", { value: storage, configurable: true });
  } catch {
    return work();
  }
  try {
    return work();
  } finally {
    if (own) Object.defineProperty(window, "localStorage", own);
    else delete (window as { localStorage?: unknown }).localStorage;
  }
}

// A GraphView without a canvas: the document is kept as JSON, edits are made by the test.

import type { GraphEvents, GraphServices, LinkEnd, NodeDescription, NodeId, NodeInfo, NodeJson, WorkflowJson } from "../../src/graph";

type Listener = (event: never) => void;

export class FakeView {
  static last: FakeView;
  document: WorkflowJson = { nodes: [], links: [] };
  definitions: Record<string, NodeInfo> = {};
  selected: NodeId[] = [];
  calls: unknown[][] = [];
  destroyed = false;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    readonly container: HTMLElement,
    readonly services: GraphServices,
  ) {
    FakeView.last = this;
    container.append(document.createElement("canvas"));
    // Everything that only shows something is recorded.
    return new Proxy(this, {
      get: (target, name: string) => (name in target ? Reflect.get(target, name) : name === "then" ? undefined : (...args: unknown[]) => void target.calls.push([name, ...args])),
    });
  }

  on<K extends keyof GraphEvents>(name: K, listener: (event: GraphEvents[K]) => void): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener as Listener));
    return () => void all.delete(listener as Listener);
  }

  emit<K extends keyof GraphEvents>(name: K, event: GraphEvents[K]): void {
    for (const listener of this.listeners.get(name) ?? []) listener(event as never);
  }

  listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  setDefinitions(info: Record<string, NodeInfo>): void {
    this.definitions = info;
  }

  load(document: WorkflowJson) {
    this.document = structuredClone(document);
    return { unknownTypes: document.nodes.map((node) => node.type).filter((type) => !(type in this.definitions)), warnings: [] };
  }

  applyDocument(document: WorkflowJson) {
    return this.load(document);
  }

  serialize(): WorkflowJson {
    return structuredClone(this.document);
  }

  describe(): NodeDescription[] {
    return this.document.nodes.map((node) => ({
      id: node.id, title: node.title ?? node.type, type: node.type, mode: node.mode ?? 0, unknown: !(node.type in this.definitions),
      inputs: [], outputs: [], selected: this.selected.includes(node.id), error: null, stale: false, running: false, progress: null,
      widgets: ((node.widgets_values as unknown[]) ?? []).map((value, index) => ({ name: `w${index}`, label: "", type: "number", value, disabled: false })),
    }));
  }

  edit(change: (node: NodeJson) => void, id: NodeId): void {
    const node = this.document.nodes.find((candidate) => candidate.id === id);
    if (node) change(node);
    this.emit("change", { kind: "widget" });
  }

  addNode(type: string, pos: [number, number], options: { connectFrom?: LinkEnd } = {}): NodeId {
    this.calls.push(["addNode", type, options]);
    const id = Math.max(0, ...this.document.nodes.map((node) => Number(node.id))) + 1;
    this.document.nodes.push({ id, type, pos, size: [200, 80] });
    this.emit("change", { kind: "add" });
    return id;
  }

  removeSelected(): void {
    this.document.nodes = this.document.nodes.filter((node) => !this.selected.includes(node.id));
    this.emit("change", { kind: "remove" });
  }

  setWidget(id: NodeId, _name: string, value: unknown): boolean {
    this.edit((node) => { node.widgets_values = [value]; }, id);
    return true;
  }

  selection = () => this.selected;
  select = (ids: NodeId[]) => { this.selected = ids; };
  level = () => [{ id: null, name: "Workflow" }];
  toGraph = (client: [number, number]) => client;
  getScale = () => 1;
  boxes = () => [];
  copy = () => this.selected.length > 0;
  clipboardText = () => JSON.stringify({ copied: this.selected });
  browserValues = async () => ({});
  destroy(): void {
    this.destroyed = true;
  }
}

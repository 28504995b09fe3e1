// Loading a document into the view, wholly or as a change of what is there.
import { same } from "../widgets/values";
import { isRecord } from "./definitions";
import type { ViewCore } from "./core";
import { LGraphGroup, type LGraphNode, LiteGraph, LLink } from "./litegraph";
import { ComfyNode, hasPackHooks, registerUnknown, UnknownNode } from "./defined-node";
import { loading } from "./loading";
import { keepSlots } from "./node-slots";
import { type PackHooks, packHooks } from "./pack-hooks";
import { sources } from "./node-source";
import { showImages } from "./preview";
import { offerPlayers } from "./preview-elements";
import { valuesFollowList } from "./promoted-widgets";
import { prepareDocument, type Prepared } from "./read-document";
import { type SaveContext, saveDocument } from "./save-document";
import { isPackNode, sameNode } from "./save-node";
import type { LoadReport, NodeId, NodeInfo, NodeJson, WorkflowJson } from "./types";
import { type Look, readLook } from "./viewport";
import type { AnyWidget } from "./widget-classes";

export class Loader {
  #source: Record<string, unknown> = {};
  #rejected: unknown[] = [];
  #subgraphs: Prepared["subgraphs"] = new Map();
  readonly unknown = new Set<string>();

  constructor(readonly core: ViewCore) {}

  load(document: WorkflowJson, keep = false): LoadReport {
    const { core } = this;
    const hooks = packHooks();
    if (hooks && isRecord(document)) document = this.#offer(document, hooks);
    const prepared = prepareDocument(document);
    loading.valuesFollowList = isRecord(document) ? valuesFollowList(document.extra) : null;
    const path = core.path.map((node) => node.id);
    const selected = core.selectedIds();
    const view = core.look();
    this.#source = withoutNodes(document);
    this.#rejected = prepared.rejected;
    this.#subgraphs = prepared.subgraphs;
    core.quietly(() => {
      core.path = [];
      core.forgetViews();
      core.canvas.setGraph(core.graph);
      core.canvas.subgraph = undefined;
      for (const id of core.graph._subgraphs.keys()) delete LiteGraph.registered_node_types[id];
      this.#registerUnknown(prepared.types);
      try {
        core.graph.configure(prepared.data as never);
      } catch (error) {
        prepared.warnings.push(`The workflow was taken only in part: ${String(error)}`);
      }
      for (const data of prepared.data.nodes as NodeJson[]) this.#remember(core.graph._nodes_by_id[data.id], data);
      this.#settle(core.allNodes());
      if (hooks) for (const node of core.allNodes()) tellLoaded(node, hooks);
      hooks?.afterLoad([...prepared.types].filter((type) => this.unknown.has(type)));
    });
    this.#place(keep, path, selected, view, document);
    return this.#report(prepared);
  }

  /** Packs see the document, and may change it, before it is taken. */
  #offer(document: WorkflowJson, hooks: PackHooks): WorkflowJson {
    const offered = structuredClone(document);
    const types = new Set((Array.isArray(offered.nodes) ? offered.nodes : []).map((node) => String(node?.type)));
    for (const subgraph of offered.definitions?.subgraphs ?? []) types.delete(subgraph.id);
    hooks.beforeLoad(offered, [...types].filter((type) => this.unknown.has(type) || !Object.hasOwn(LiteGraph.registered_node_types, type)));
    return offered;
  }

  /** Nodes of packs' own classes do not remember their form themselves. */
  #remember(node: LGraphNode | undefined, data: NodeJson): void {
    if (node && isPackNode(node)) sources.set(node, data);
  }

  #report(prepared: Prepared): LoadReport {
    return { unknownTypes: [...prepared.types].filter((type) => this.unknown.has(type)), warnings: prepared.warnings };
  }

  #registerUnknown(types: Iterable<string>): void {
    for (const type of types) {
      if (Object.hasOwn(LiteGraph.registered_node_types, type)) continue;
      registerUnknown(type);
      this.unknown.add(type);
    }
  }

  #settle(nodes: Iterable<LGraphNode>): void {
    const all = [...nodes];
    for (const hook of ["onGraphConfigured", "onAfterGraphConfigured"]) for (const node of all) this.#call(node, hook);
    for (const node of all) watchChosenFile(node, this.core);
  }

  #call(node: LGraphNode, hook: string): void {
    try {
      (node as AnyWidget)[hook]?.();
    } catch (error) {
      const hooks = packHooks();
      if (hooks) hooks.failed(hook, node, error);
      else this.core.services.notify("warning", `Node ${node.id} (${node.type}): ${String(error)}`);
    }
  }

  #place(keep: boolean, path: NodeId[], selected: NodeId[], view: Look, document: WorkflowJson): void {
    const { core } = this;
    if (keep) {
      if (path.length) core.enterPath(path);
      core.setLook(view);
      core.canvas.selectNodes(selected.map((id) => core.node(id)).filter((node): node is LGraphNode => node !== null));
      return core.redraw();
    }
    core.open(isRecord(document?.extra) ? readLook(document.extra.ds) : null);
    core.emit("level", { path: core.level() });
  }

  context(): SaveContext {
    const inside = this.core.path.length > 0;
    const look = this.core.look();
    if (!inside) this.core.storedLooks.remember(look, this.core.size());
    const old = isRecord(this.#source.extra) ? (this.#source.extra.ds as SaveContext["ds"]) : null;
    return {
      source: this.#source, rejected: this.#rejected, subgraphs: this.#subgraphs,
      ds: inside ? (old ?? null) : look,
    };
  }

  serialize(): WorkflowJson {
    const document = structuredClone(saveDocument(this.core.graph, this.context()));
    packHooks()?.saved(document);
    return document;
  }

  // ------------------------------------------------------------------------------------------------------------- changes

  /** Takes over a document by touching only the nodes, links and groups that differ from what is shown. */
  apply(document: WorkflowJson): LoadReport {
    if (!isRecord(document) || !Array.isArray(document.nodes)) return this.load(document, true);
    const shown = this.serialize();
    if (!same(shown.definitions ?? {}, document.definitions ?? {})) return this.load(document, true);
    const prepared = prepareDocument(document);
    loading.valuesFollowList = valuesFollowList(document.extra);
    const before = new Map(shown.nodes.map((node) => [String(node.id), node]));
    const after = new Map((prepared.data.nodes as typeof shown.nodes).map((node) => [String(node.id), node]));
    const saved = new Map(document.nodes.map((node) => [String(node?.id), node]));
    // a node of another type under an old id is another node
    const gone = [...before].filter(([id, node]) => after.get(id)?.type !== node.type || this.#madeAnew(node, saved.get(id))).map(([id]) => id);
    this.#registerUnknown(prepared.types);
    this.core.quietly(() => {
      for (const id of gone) this.#remove(id);
      this.#applyLinks(prepared.data.links as Record<string, unknown>[], prepared.data.reroutes as Record<string, unknown>[]);
      const touched: LGraphNode[] = [];
      for (const [id, data] of after) {
        const old = gone.includes(id) ? undefined : before.get(id);
        if (old && sameNode(old, saved.get(id) ?? data)) continue;
        const node = old ? this.core.graph._nodes_by_id[id] : this.#create(data.type, data.id, data.title);
        if (!node) continue;
        if (old) resetNode(node);
        node.configure(data as never);
        this.#remember(node, data);
        if (!data.title && !(node instanceof UnknownNode)) node.title = (node.constructor as { title?: string }).title ?? node.title;
        touched.push(node);
      }
      if (!same(shown.groups ?? [], document.groups ?? [])) this.#applyGroups(prepared.data.groups as unknown[]);
      this.core.graph.extra = isRecord(document.extra) ? (structuredClone(document.extra) as never) : {};
      this.#settle(touched);
      const hooks = packHooks();
      if (hooks) for (const node of touched) tellLoaded(node, hooks);
      const order = new Map([...after.keys()].map((id, i) => [id, i]));
      this.core.graph._nodes.sort((a, b) => (order.get(String(a.id)) ?? 0) - (order.get(String(b.id)) ?? 0));
    });
    const state = prepared.data.state as { lastNodeId: number; lastLinkId: number };
    this.core.graph.state.lastNodeId = Math.max(this.core.graph.state.lastNodeId, state.lastNodeId);
    this.core.graph.state.lastLinkId = Math.max(this.core.graph.state.lastLinkId, state.lastLinkId);
    this.#source = withoutNodes(document);
    this.#rejected = prepared.rejected;
    this.core.redraw();
    return this.#report(prepared);
  }

  /** Whether a changed node is made again rather than configured again: packs' hooks expect to run on a new one. */
  #madeAnew(shown: NodeJson, wanted: NodeJson | undefined): boolean {
    const node = this.core.graph._nodes_by_id[shown.id];
    return !!node && !!wanted && hasPackHooks(node) && !sameNode(shown, wanted);
  }

  #create(type: string, id: NodeId, title?: string): LGraphNode | null {
    const node = LiteGraph.createNode(type, title);
    if (!node) return null;
    node.id = id;
    this.core.graph.add(node, true);
    return node;
  }

  #remove(id: string): void {
    const { graph, canvas } = this.core;
    const node = graph._nodes_by_id[id];
    if (!node) return;
    // its links are settled with all others; undone one by one they would edit the neighbours
    for (const input of node.inputs) input.link = null;
    for (const output of node.outputs) output.links = [];
    canvas.deselectNode(node);
    (node as AnyWidget).ignore_remove = false;
    graph.remove(node);
    for (const widget of (node.widgets ?? []) as AnyWidget[]) widget.element?.remove();
  }

  #applyLinks(links: Record<string, unknown>[], reroutes: Record<string, unknown>[]): void {
    const { graph } = this.core;
    const wanted = new Map(links.map((link) => [link.id as number, link]));
    for (const id of [...graph._links.keys()]) if (!wanted.has(id)) graph._links.delete(id);
    for (const [id, data] of wanted) {
      const link = graph._links.get(id);
      if (link) Object.assign(link, { parentId: undefined, ...data });
      else graph._links.set(id, LLink.create(data as never));
    }
    const keep = new Set(reroutes.map((reroute) => reroute.id as number));
    for (const id of [...graph.reroutes.keys()]) if (!keep.has(id)) graph.reroutes.delete(id);
    for (const reroute of reroutes) graph.setReroute(reroute as never);
  }

  #applyGroups(groups: unknown[]): void {
    const { graph } = this.core;
    for (const group of [...graph._groups]) graph.remove(group);
    for (const data of groups) {
      const group = new LGraphGroup();
      group.configure(data as never);
      graph.add(group);
    }
  }

  /** Remakes the nodes of types whose definition came, changed or went; values and links by name stay. */
  rebuild(types: ReadonlySet<string>): void {
    const any = [...this.core.allNodes()].some((node) => types.has(node.type));
    if (!any) return;
    const document = this.serialize();
    this.load(document, true);
  }

  /** Packs registered classes of their own: nodes that nobody knew before may become theirs. */
  adoptTypes(): void {
    const known = [...this.unknown].filter((type) => {
      const Class = LiteGraph.registered_node_types[type] as { prototype: unknown } | undefined;
      return Class && !(Class.prototype instanceof UnknownNode);
    });
    for (const type of known) this.unknown.delete(type);
    this.rebuild(new Set(known));
  }

  /** Makes every node anew, as packs that come late expect it. */
  remake(): void {
    this.load(this.serialize(), true);
  }

  definitionGone(type: string): void {
    delete LiteGraph.registered_node_types[type];
  }

  definitionCame(type: string): void {
    this.unknown.delete(type);
  }
}

function tellLoaded(node: LGraphNode, hooks: PackHooks): void {
  keepSlots(node);
  hooks.nodeLoaded(node);
  keepSlots(node);
}

/** What saving goes back to beside the nodes, which remember their own form. */
function withoutNodes(document: unknown): Record<string, unknown> {
  return isRecord(document) ? structuredClone({ ...document, nodes: [] }) : {};
}

/** Takes back what configure only adds to. */
function resetNode(node: LGraphNode): void {
  node.flags = {};
  for (const key of Object.keys(node.properties)) delete node.properties[key];
  for (const key of ["color", "bgcolor", "boxcolor"] as const) delete node[key];
  (node as AnyWidget).showAdvanced = undefined;
  delete (node as AnyWidget)._shape;
}

/** A node that loads a file shows the chosen one, or offers to play it. */
export function watchChosenFile(node: LGraphNode, core: ViewCore): void {
  const upload = (node as AnyWidget).cnUpload as { name: string; kind: string; folder: string } | undefined;
  if (!(node instanceof ComfyNode) || !upload || upload.kind === "file") return;
  const widget = node.widgets?.find((candidate) => candidate.name === upload.name) as AnyWidget;
  if (!widget || widget.cnWatched) return showChosen(node, widget?.value, upload);
  widget.cnWatched = true;
  const before = widget.callback;
  widget.callback = function (this: unknown, value: unknown, ...rest: unknown[]) {
    before?.call(this, value, ...rest);
    showChosen(node, value, upload);
    core.redraw();
  };
  showChosen(node, widget.value, upload);
}

function showChosen(node: LGraphNode, value: unknown, { kind, folder }: { kind: string; folder: string }): void {
  const show = kind === "image" ? showImages : offerPlayers;
  if (typeof value !== "string" || !value) return show(node, []);
  const match = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(value);
  const path = match?.[1] ?? value;
  const at = path.lastIndexOf("/");
  show(node, [{ filename: path.slice(at + 1), subfolder: at >= 0 ? path.slice(0, at) : "", type: match?.[2] ?? folder }]);
}

export type Definitions = Record<string, NodeInfo>;

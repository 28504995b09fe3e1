// The public face of GraphView: everything the editor may call.
import type { HostTheme } from "../host";
import type { PackHooks } from "./pack-hooks";
import type {
  AddNodeOptions, GraphEvents, GraphServices, LevelEntry, LinkEnd, LoadReport, MenuEntry, NodeDescription, NodeError, NodeId,
  NodeInfo, Place, Point, ViewOptions, WorkflowJson,
} from "./types";

export interface GraphViewConstructor {
  /** Fills `container` (its position must not be static) with a canvas and its widget layer. */
  new (container: HTMLElement, services: GraphServices): GraphViewApi;
}

export interface GraphViewApi {
  // definitions and document
  setDefinitions(info: Record<string, NodeInfo>): void;
  updateDefinitions(set: Record<string, NodeInfo>, remove: string[]): void;
  /** As updateDefinitions, where packs' hooks on each new node type may take their time. */
  updateDefinitionsSlowly(set: Record<string, NodeInfo>, remove: string[], hook: (nodeType: unknown, info: NodeInfo) => Promise<void> | void): Promise<void>;
  /** Replaces everything and restores the document's own view position, or fits. Never throws on bad parts. */
  load(document: WorkflowJson): LoadReport;
  /** Changes only what differs from what is shown; view position, selection, level and untouched DOM stay. */
  applyDocument(document: WorkflowJson): LoadReport;
  serialize(): WorkflowJson;
  describe(): NodeDescription[];

  // events
  on<K extends keyof GraphEvents>(name: K, listener: (event: GraphEvents[K]) => void): () => void;

  // looks and life
  setTheme(theme: HostTheme): void;
  setOptions(options: ViewOptions): void;
  setReadOnly(on: boolean): void;
  /** Stop drawing while nobody can see the view (off-screen is noticed by itself). */
  pause(on: boolean): void;
  setDirty(): void;
  /** Tells edits now that would be told with the next frame. */
  tellChanges(): void;
  resize(): void;
  destroy(): void;
  focus(): void;

  // view
  fit(ids?: NodeId[]): void;
  center(id: NodeId): void;
  getScale(): number;
  /** Zoom about the middle, or about a client point. */
  setScale(scale: number, about?: Point): void;
  /** Graph rectangle of all nodes and groups and the visible rectangle, both [x, y, w, h]; for a minimap. */
  bounds(): { content: [number, number, number, number]; visible: [number, number, number, number] };
  panTo(center: Point): void;
  /** Rectangles of the nodes of the current level, for a minimap. */
  boxes(): { id: NodeId; x: number; y: number; w: number; h: number; color: string }[];
  clientPos(place: Place): { x: number; y: number };
  toGraph(client: Point): Point;

  // selection and editing
  selection(): NodeId[];
  select(ids: NodeId[]): void;
  selectAll(): void;
  addNode(type: string, pos: Point, options?: AddNodeOptions): NodeId | null;
  connect(from: { node: NodeId; output: number | string }, to: { node: NodeId; input: number | string }): boolean;
  disconnectInput(node: NodeId, input: number | string): void;
  removeSelected(): void;
  copy(): boolean;
  /** Pastes what copy() or a pasted text holds; `withLinks` also connects to the nodes outside of the copy. */
  paste(options?: { pos?: Point; withLinks?: boolean; text?: string }): void;
  /** The clipboard as text, so that the editor can put it on the system clipboard. */
  clipboardText(): string | null;
  /** An image file for the selected node that loads one; false where none is selected. */
  pasteFile?(file: File): Promise<boolean>;
  /** New group around the selection (or an empty one at `pos`). */
  groupSelected(title?: string, pos?: Point): void;
  setMode(mode: number, ids?: NodeId[]): void;
  toggleMute(ids?: NodeId[]): void;
  toggleBypass(ids?: NodeId[]): void;
  collapse(ids?: NodeId[]): void;
  pin(ids?: NodeId[]): void;
  setTitle(id: NodeId, title: string): void;
  /** Shows the inline title editor over the node. */
  editTitle(id: NodeId): void;
  /** A palette name ("red", "blue" …) or null for the default. */
  setColor(name: string | null, ids?: NodeId[]): void;
  align(how: "left" | "right" | "top" | "bottom" | "distribute-x" | "distribute-y", ids?: NodeId[]): void;
  /** Lays out the whole level by its links. */
  arrange(): void;
  setWidget(id: NodeId, name: string, value: unknown): boolean;
  getWidget(id: NodeId, name: string): unknown;
  /** Takes the pictures and values of a node into the clipspace; false where the level has no such node. */
  copyToClipspace(id: NodeId): boolean;
  /** Gives a node what the clipspace holds. */
  pasteFromClipspace(id: NodeId): boolean;
  /** Context menu entries for what lies at a client point (the view shows them itself on right click). */
  menuAt(client: Point): (MenuEntry | null)[];
  showMenu(client: Point, items: (MenuEntry | null)[], title?: string): void;

  // subgraphs
  level(): LevelEntry[];
  /** Enter the subgraph of an instance node. */
  enter(id: NodeId): void;
  /** Go to the n-th level of `level()`; without argument one up. */
  leave(depth?: number): void;
  toSubgraph(): void;
  /** Replace a subgraph instance by its contents. */
  unpackSubgraph(id: NodeId): void;

  // runtime; ids are execution ids ("7" or "12:3" inside subgraphs)
  setRunning(id: string | null): void;
  setProgress(id: string, value: number, max: number): void;
  setQueued(ids: string[]): void;
  setOutputs(id: string, ui: Record<string, unknown> | null): void;
  /** Live latent preview; null removes it. */
  setPreview(id: string, image: Blob | null): void;
  setError(id: string, error: NodeError): void;
  clearErrors(): void;
  setStale(ids: string[]): void;

  // queueing
  beforeQueue(): void;
  afterQueue(): void;
  /** Values only the browser knows (expanded dynamic prompts, DOM widgets with serializeValue), by execution id and widget. */
  browserValues(): Promise<Record<string, Record<string, unknown>>>;

  // for extension packs: the litegraph objects themselves
  readonly raw: { graph: unknown; canvas: unknown; LiteGraph: unknown; module: Record<string, unknown> };
  /** Runs before a node type of `object_info` is registered; packs patch prototypes here. */
  onRegister(hook: (nodeType: unknown, info: NodeInfo) => void): () => void;
  /** Runs for every node made (before its values are restored). */
  onNodeCreated(hook: (node: unknown) => void): () => void;
  setPackHooks(hooks: PackHooks | null): void;
  /** What can be added beside the kernel's definitions, as definitions: notes, reroutes, classes that packs registered. */
  otherTypes(): Record<string, NodeInfo>;
  /** Nodes of types that were unknown and that packs registered meanwhile become what these say. */
  adoptTypes(): void;
  /** Makes every node anew from the document shown. */
  remake(): void;
  /** Whether nodes of this type can be made, or are only kept. */
  knownType(type: string): boolean;
  nodeByExecutionId(id: string): unknown;
  /** A node of the level shown. */
  nodeById(id: NodeId): unknown;
  /** The classes of all definitions. */
  nodeClasses(): Iterable<[nodeType: unknown, info: NodeInfo]>;
  /** The nodes of all levels. */
  allNodes(): Iterable<unknown>;
  /** Binds the canvas's listeners again, to methods that packs replaced on the prototype. */
  rebindEvents(): void;
  /** Widget constructors of packs: TYPE → (node, name, spec) → { widget }. */
  addWidgetTypes(types: Record<string, (node: unknown, name: string, spec: unknown[]) => unknown>): void;
}

export type { LinkEnd };

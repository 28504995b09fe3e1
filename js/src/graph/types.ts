// What GraphView takes and gives. Plain data only: nobody outside js/src/graph sees a litegraph object through these types.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type NodeId = number | string;
export type Point = [number, number];

/** One input of an `object_info` entry: `[type, options]`; a list as type is a COMBO's options. */
export type InputSpec = [type: string | unknown[], options?: Record<string, unknown>];

/** One entry of `object_info`. */
export interface NodeInfo {
  input?: {
    required?: Record<string, InputSpec>;
    optional?: Record<string, InputSpec>;
    hidden?: Record<string, unknown>;
  };
  input_order?: { required?: string[]; optional?: string[]; hidden?: string[] };
  output?: (string | unknown[])[];
  output_is_list?: boolean[];
  output_name?: string[];
  output_tooltips?: (string | null)[];
  name?: string;
  display_name?: string;
  description?: string;
  category?: string;
  python_module?: string;
  output_node?: boolean;
  deprecated?: boolean;
  experimental?: boolean;
  [key: string]: unknown;
}

/** UI JSON 0.4. Only the keys that the view itself reads are typed; every other key is kept. */
export interface WorkflowJson {
  nodes: NodeJson[];
  links: unknown[];
  groups?: unknown[];
  last_node_id?: number;
  last_link_id?: number;
  definitions?: { subgraphs?: SubgraphJson[]; [key: string]: unknown };
  extra?: Record<string, unknown>;
  version?: number;
  [key: string]: unknown;
}

export interface NodeJson {
  id: NodeId;
  type: string;
  pos: Point;
  size: [number, number];
  flags?: Record<string, unknown>;
  order?: number;
  mode?: number;
  inputs?: Record<string, unknown>[];
  outputs?: Record<string, unknown>[];
  properties?: Record<string, unknown>;
  widgets_values?: unknown[] | Record<string, unknown> | null;
  title?: string;
  [key: string]: unknown;
}

export interface SubgraphJson {
  id: string;
  name: string;
  nodes?: NodeJson[];
  links?: Record<string, unknown>[];
  [key: string]: unknown;
}

/** A file of the kernel's input, output or temp folder, as nodes name it in `ui.images`. */
export interface FileRef {
  filename: string;
  subfolder?: string;
  type?: string;
  [key: string]: unknown;
}

export interface UploadOptions {
  type?: "input" | "output" | "temp";
  subfolder?: string;
  overwrite?: boolean;
  onProgress?: (sent: number, total: number) => void;
}

export type Severity = "info" | "success" | "warning" | "error";

/** What the view needs from its surroundings. */
export interface GraphServices {
  /** A URL that `<img>` can load; the caller owns and caches it (blob URLs are not revoked by the view). */
  fileUrl(ref: FileRef): Promise<string>;
  upload(file: File, options: UploadOptions): Promise<{ name: string; subfolder: string; type: string }>;
  /** null when the person cancels. */
  pickFile(accept: string): Promise<File | null>;
  notify(severity: Severity, text: string): void;
  /** Stands in for localStorage, which cross-site frames deny. */
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Options of a `remote` combo; without it such combos keep the value they have. */
  fetchOptions?(route: string, spec: Record<string, unknown>): Promise<(string | number)[]>;
  /** A person asked for the image at full size (click on a preview's magnifier or double click). */
  openImage?(images: FileRef[], index: number): void;
}

export interface LoadReport {
  /** Class types without a definition; their nodes are kept and drawn as placeholders. */
  unknownTypes: string[];
  /** Readable sentences about everything that could not be taken as it was. */
  warnings: string[];
}

export type ChangeKind =
  | "add" | "remove" | "connect" | "disconnect" | "move" | "resize" | "widget" | "property" | "mode" | "title"
  | "color" | "group" | "reroute" | "subgraph" | "paste" | "other";

export interface GraphEvents {
  /** Any edit by a person or through this API (not by load/applyDocument). Coalesced per frame; once per drag. */
  change: { kind: ChangeKind };
  selection: { ids: NodeId[]; groups: number };
  /** Right before a context menu opens; push entries (null = separator) to extend it. */
  menu: { target: "canvas" | "node" | "group" | "slot" | "link"; id?: NodeId; items: (MenuEntry | null)[] };
  "empty-double-click": { pos: Point; client: Point };
  /** A link was dropped on empty canvas. `shift` held asks for the short menu instead of search. */
  "empty-release": { pos: Point; client: Point; from: LinkEnd; shift: boolean };
  /** Pan or zoom. */
  view: { scale: number; offset: Point };
  /** Another graph level is shown; `path` starts at the root. */
  level: { path: LevelEntry[] };
  /** An image of a preview was chosen to be seen at full size (only without services.openImage). */
  "image-open": { images: FileRef[]; index: number };
  /** A person double-clicked a node's title and asked to rename it is handled inside; this tells that any text editing starts/ends. */
  editing: { on: boolean };
}

export interface LevelEntry {
  /** null = root graph, else the subgraph definition's id. */
  id: string | null;
  name: string;
  /** The instance node through which it was entered, by its id one level up. */
  node?: NodeId;
}

export interface MenuEntry {
  label: string;
  disabled?: boolean;
  checked?: boolean;
  danger?: boolean;
  /** Text on the right, e.g. a key combination. */
  hint?: string;
  action?: () => void;
  submenu?: (MenuEntry | null)[];
}

/** One end of a link that is being made. `slot` is an index; `input` tells on which side it is. */
export interface LinkEnd {
  node: NodeId;
  slot: number;
  input: boolean;
  type: string;
}

export interface NodeError {
  message: string;
  /** Input names whose dots are marked too. */
  inputs?: string[];
}

export interface AddNodeOptions {
  connectFrom?: LinkEnd;
  title?: string;
  /** Widget values by name. */
  values?: Record<string, unknown>;
  select?: boolean;
}

export interface NodeDescription {
  id: NodeId;
  title: string;
  type: string;
  mode: number;
  unknown: boolean;
  inputs: { name: string; label: string; type: string; link: { node: NodeId; slot: number } | null }[];
  outputs: { name: string; label: string; type: string; links: { node: NodeId; slot: number }[] }[];
  widgets: { name: string; label: string; type: string; value: unknown; options?: unknown[]; disabled: boolean }[];
  selected: boolean;
  error: string | null;
  /** The result is older than what it would be made from now. */
  stale: boolean;
  running: boolean;
  /** Of a running node that tells it. */
  progress: { value: number; max: number } | null;
}

/** Place inside a node for `clientPos`. */
export interface Place {
  node: NodeId;
  /** Name or index of a slot (`input` defaults to true). */
  slot?: string | number;
  input?: boolean;
  /** Name of a widget; its middle. */
  widget?: string;
  title?: boolean;
}

/** Link drawing: matches litegraph's numbers (0 straight, 1 linear, 2 spline, -1 hidden). */
export type LinkMode = "spline" | "linear" | "straight" | "hidden";

export interface ViewOptions {
  linkMode?: LinkMode;
  snapToGrid?: boolean;
  gridSize?: number;
  /** Zoom with the wheel ("zoom") or pan with it and zoom with Ctrl ("pan"). */
  wheel?: "zoom" | "pan";
  /** When control-after-generate changes values. */
  controlMode?: "before" | "after";
  /** Draw the node's id beside the title. */
  showIds?: boolean;
  linkMarkers?: boolean;
}

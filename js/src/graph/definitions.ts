// From an `object_info` entry to the sockets, widgets and outputs of a node.
import type { InputSpec, NodeInfo } from "./types";

export type WidgetKind = "int" | "float" | "string" | "multiline" | "boolean" | "combo" | "color" | "custom" | "unknown";

export interface InputPlan {
  name: string;
  type: string;
  label: string;
  optional: boolean;
  options: Record<string, unknown>;
  spec: InputSpec;
}

export interface WidgetPlan extends InputPlan {
  kind: WidgetKind;
  /** Widgets that can not be linked (`socketless`). */
  socketless: boolean;
  /** Name of the control widget that follows it; null without one. */
  control: string | null;
  controlDefault: string;
  defaultValue: unknown;
  choices: unknown[];
}

export interface OutputPlan {
  name: string;
  type: string;
  list: boolean;
  tooltip?: string;
}

export interface NodePlan {
  sockets: InputPlan[];
  widgets: WidgetPlan[];
  outputs: OutputPlan[];
  /** Input whose files can be uploaded: adds a button after all widgets. */
  upload: { name: string; kind: "image" | "video" | "audio" | "file"; batch: boolean; folder: string } | null;
  /** Sockets that old files counted among the widget values. */
  forced: string[];
  /** All input names as the definition orders them. */
  order: string[];
}

const UPLOAD_KEYS = [
  ["image_upload", "image"], ["animated_image_upload", "image"], ["video_upload", "video"], ["audio_upload", "audio"],
  ["file_upload", "file"],
] as const;

const KINDS: Record<string, WidgetKind> = {
  INT: "int", FLOAT: "float", STRING: "string", BOOLEAN: "boolean", COMBO: "combo", COLOR: "color",
};

/** Plans a node; `customTypes` are widget types that packs brought. */
export function planNode(info: NodeInfo, customTypes: ReadonlySet<string> = new Set()): NodePlan {
  const plan: NodePlan = { sockets: [], widgets: [], outputs: planOutputs(info), upload: null, forced: [], order: [] };
  for (const [group, optional] of [["required", false], ["optional", true]] as const) {
    const inputs = info.input?.[group] ?? {};
    for (const name of orderedNames(inputs, info.input_order?.[group])) {
      const raw = inputs[name];
      plan.order.push(name);
      if (Array.isArray(raw)) planInput(plan, name, raw as InputSpec, optional, customTypes);
    }
  }
  return plan;
}

function orderedNames(inputs: Record<string, unknown>, order: string[] | undefined): string[] {
  if (!Array.isArray(order)) return Object.keys(inputs);
  const known = order.filter((name) => Object.hasOwn(inputs, name));
  return [...known, ...Object.keys(inputs).filter((name) => !known.includes(name))];
}

function planInput(plan: NodePlan, name: string, spec: InputSpec, optional: boolean, custom: ReadonlySet<string>): void {
  const options = isRecord(spec[1]) ? spec[1] : {};
  const type = typeName(spec[0]);
  const label = typeof options.display_name === "string" ? options.display_name : name;
  const base: InputPlan = { name, type, label, optional, options, spec };
  const kind = options.forceInput ? null : widgetKind(type, options, custom);
  if (!kind) {
    plan.sockets.push(base);
    if (options.forceInput && KINDS[type]) plan.forced.push(name);
    return;
  }
  const choices = choicesOf(spec, options);
  plan.widgets.push({
    ...base, kind, choices,
    socketless: options.socketless === true,
    ...controlOf(name, kind, options),
    defaultValue: defaultOf(kind, options, choices),
  });
  for (const [key, upload] of UPLOAD_KEYS) {
    if (kind === "combo" && options[key] && !plan.upload) {
      const folder = typeof options.image_folder === "string" ? options.image_folder : "input";
      plan.upload = { name, kind: upload, batch: options.allow_batch === true, folder };
    }
  }
}

function widgetKind(type: string, options: Record<string, unknown>, custom: ReadonlySet<string>): WidgetKind | null {
  const widgetType = typeof options.widgetType === "string" ? options.widgetType : type;
  if (custom.has(widgetType)) return "custom";
  const kind = KINDS[widgetType];
  if (kind === "string" && options.multiline) return "multiline";
  if (kind) return kind;
  return options.widgetType || options.socketless ? "unknown" : null;
}

function controlOf(name: string, kind: WidgetKind, options: Record<string, unknown>): Pick<WidgetPlan, "control" | "controlDefault"> {
  const wish = options.control_after_generate;
  const modes = ["fixed", "increment", "decrement", "randomize", "increment-wrap"];
  const none = { control: null, controlDefault: "fixed" };
  if (kind !== "int" && kind !== "combo") return none;
  const implied = kind === "int" && (name === "seed" || name === "noise_seed") && wish !== false;
  if (!wish && !implied) return none;
  const named = typeof wish === "string" && wish !== "" && !modes.includes(wish);
  const mode = typeof wish === "string" && modes.includes(wish) ? wish : kind === "int" ? "randomize" : "fixed";
  return { control: named ? wish : "control_after_generate", controlDefault: mode };
}

function choicesOf(spec: InputSpec, options: Record<string, unknown>): unknown[] {
  if (Array.isArray(spec[0])) return spec[0];
  return Array.isArray(options.options) ? options.options : [];
}

function defaultOf(kind: WidgetKind, options: Record<string, unknown>, choices: unknown[]): unknown {
  const wish = options.default;
  switch (kind) {
    case "int": case "float": return wish ?? 0;
    case "string": case "multiline": return wish ?? "";
    case "boolean": return wish ?? false;
    case "color": return wish ?? "#000000";
    case "combo":
      if (options.multi_select || options.multiselect) return wish ?? [];
      return wish || (choices[0] ?? "");
    default: return wish ?? null;
  }
}

function planOutputs(info: NodeInfo): OutputPlan[] {
  return (info.output ?? []).map((raw, i) => {
    const type = typeName(raw);
    return {
      type,
      name: info.output_name?.[i] || type,
      list: info.output_is_list?.[i] === true,
      tooltip: info.output_tooltips?.[i] ?? undefined,
    };
  });
}

export function typeName(type: unknown): string {
  if (Array.isArray(type)) return "COMBO";
  return typeof type === "string" ? type : String(type ?? "*");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Types fit when they share a member: case does not matter, commas unite, `*`, "" and 0 fit everything. */
export function typesFit(a: unknown, b: unknown): boolean {
  const wild = (type: unknown): boolean => type === "*" || type === "" || type === 0 || type == null;
  if (wild(a) || wild(b) || a === b) return true;
  const split = (type: unknown): string[] => typeName(type).toLowerCase().split(",").map((part) => part.trim());
  const right = split(b);
  return split(a).some((part) => part === "*" || right.includes("*") || right.includes(part));
}

// From an `object_info` entry to the sockets, widgets and outputs of a node.
import { dynamicMembers, growFurther, isDynamic, type Live, matchTemplate, NOTHING_LIVE, ownOptions } from "./dynamic-inputs";
import type { InputSpec, NodeInfo } from "./types";

export type WidgetKind = "int" | "float" | "string" | "multiline" | "boolean" | "combo" | "color" | "custom" | "unknown";

export interface InputPlan {
  name: string;
  type: string;
  label: string;
  optional: boolean;
  options: Record<string, unknown>;
  spec: InputSpec;
  /** Sockets and outputs of one template have one type: the type of what is linked to any of them. */
  template?: string | null;
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
  /** Its value decides which other inputs there are. */
  decides?: boolean;
  /** Made for a pack: what is set becomes text, as in a text area. */
  loose?: boolean;
}

export interface OutputPlan {
  name: string;
  type: string;
  list: boolean;
  tooltip?: string;
  template?: string | null;
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
  /** Inputs come and go with values and links. */
  dynamic: boolean;
}

const UPLOAD_KEYS = [
  ["image_upload", "image"], ["animated_image_upload", "image"], ["video_upload", "video"], ["audio_upload", "audio"],
  ["file_upload", "file"],
] as const;

const KINDS: Record<string, WidgetKind> = {
  INT: "int", FLOAT: "float", STRING: "string", BOOLEAN: "boolean", COMBO: "combo", COLOR: "color", COMFY_DYNAMICCOMBO_V3: "combo",
};

/** Plans a node; `customTypes` are widget types that packs brought, `live` what dynamic inputs depend on. */
export function planNode(info: NodeInfo, customTypes: ReadonlySet<string> = new Set(), live: Live = NOTHING_LIVE): NodePlan {
  const plan: NodePlan = { sockets: [], widgets: [], outputs: planOutputs(info), upload: null, forced: [], order: [], dynamic: false };
  planSections(plan, info.input ?? {}, info.input_order, "", { custom: customTypes, live, optional: false });
  growFurther(plan, live);
  ownOptions(plan, live);
  return plan;
}

interface Planning {
  custom: ReadonlySet<string>;
  live: Live;
  /** Everything below an optional input is optional. */
  optional: boolean;
}

type Sections = { required?: Record<string, unknown>; optional?: Record<string, unknown> };

function planSections(plan: NodePlan, sections: Sections, order: NodeInfo["input_order"], prefix: string, planning: Planning): void {
  for (const group of ["required", "optional"] as const) {
    const inputs = sections[group] ?? {};
    for (const name of orderedNames(inputs, order?.[group])) {
      plan.order.push(prefix + name);
      const raw = inputs[name];
      if (Array.isArray(raw)) planInput(plan, prefix + name, raw as InputSpec, { ...planning, optional: planning.optional || group === "optional" });
    }
  }
}

function orderedNames(inputs: Record<string, unknown>, order: string[] | undefined): string[] {
  if (!Array.isArray(order)) return Object.keys(inputs);
  const known = order.filter((name) => Object.hasOwn(inputs, name));
  return [...known, ...Object.keys(inputs).filter((name) => !known.includes(name))];
}

function planInput(plan: NodePlan, name: string, spec: InputSpec, planning: Planning): void {
  const options = isRecord(spec[1]) ? spec[1] : {};
  const { type, template } = matchTemplate(typeName(spec[0]), options);
  const label = typeof options.display_name === "string" ? options.display_name : name.slice(name.lastIndexOf(".") + 1);
  const base: InputPlan = { name, type, label, optional: planning.optional, options, spec, template };
  if (template) plan.dynamic = true;
  if (isDynamic(type)) {
    plan.dynamic = true;
    const { own, sections, order } = dynamicMembers(base, planning.live);
    if (own) planOne(plan, { ...base, ...own }, planning.custom);
    for (const member of sections) planSections(plan, member, order, `${name}.`, planning);
    return;
  }
  planOne(plan, base, planning.custom);
}

function planOne(plan: NodePlan, base: InputPlan, custom: ReadonlySet<string>): void {
  const { name, type, options, spec } = base;
  const kind = options.forceInput || base.template ? null : widgetKind(type, options, custom);
  if (!kind) {
    plan.sockets.push(base);
    if (options.forceInput && KINDS[type]) plan.forced.push(name);
    return;
  }
  const choices = choicesOf(spec, options);
  plan.widgets.push({
    ...base, kind, choices, decides: type === "COMFY_DYNAMICCOMBO_V3",
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
  const kind = KINDS[widgetType];
  if (!kind && custom.has(widgetType)) return "custom";
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
  const listed = Array.isArray(options.options) ? options.options : [];
  return spec[0] === "COMFY_DYNAMICCOMBO_V3" ? listed.filter(isRecord).map((option) => option.key) : listed;
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
  const templates = Array.isArray(info.output_matchtypes) ? (info.output_matchtypes as unknown[]) : [];
  return (info.output ?? []).map((raw, i) => {
    const template = typeof templates[i] === "string" ? (templates[i] as string) : null;
    const type = typeName(raw) === "COMFY_MATCHTYPE_V3" ? "*" : typeName(raw);
    return {
      type, template,
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

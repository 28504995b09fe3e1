// Makes the widgets of a node from its plan.
import { COMBO_CONTROL_MODES, CONTROL_MODES, nextChoice, nextNumber } from "../widgets/control";
import { expandDynamicPrompt } from "../widgets/dynamic-prompts";
import { numberOptions, plainText } from "../widgets/number";
import { type NodePlan, planNode, type WidgetPlan } from "./definitions";
import { addDomWidget, type DomWidget } from "./dom-widget";
import { type LGraphNode, SubgraphNode } from "./litegraph";
import { promotedFrom } from "./promoted-widgets";
import { packHooks } from "./pack-hooks";
import { activeSurface } from "./surface";
import type { InputSpec } from "./types";
import { type AnyWidget, choicesOf, commitValue } from "./widget-classes";

/** Widget makers of packs: TYPE → (node, name, spec) → {widget}. */
export const customWidgets = new Map<string, (node: unknown, name: string, spec: unknown[]) => unknown>();

/** litegraph warns about widgets without one; hooks report edits instead. */
const noCallback = (() => undefined) as never;

export function buildWidgets(node: LGraphNode, plan: NodePlan): void {
  for (const widget of plan.widgets) {
    const made = buildWidget(node, widget);
    if (made && widget.control) addControl(node, made, widget);
  }
  if (plan.upload) addUploadButton(node, plan.upload);
}

function buildWidget(node: LGraphNode, plan: WidgetPlan): AnyWidget {
  const before = node.widgets?.length ?? 0;
  let widget: AnyWidget = null;
  const make = customWidgets.get(String(plan.options.widgetType ?? plan.type));
  if (make) {
    try {
      const made = make(node, plan.name, [plan.spec[0], plan.spec[1] ?? {}, ...plan.spec.slice(2)]) as AnyWidget;
      widget = made?.widget ?? node.widgets?.[before] ?? null;
      growLeast(node, made);
    } catch (error) {
      const hooks = packHooks();
      if (hooks) hooks.failed(`widget “${plan.name}”`, node, error);
      else activeSurface()?.services.notify("error", `The widget “${plan.name}” of ${node.type} failed: ${String(error)}`);
    }
  }
  widget ??= plainWidget(node, plan);
  if (plan.label !== plan.name) widget.label = plan.label;
  if (typeof plan.options.tooltip === "string") widget.tooltip = plan.options.tooltip;
  if (plan.options.advanced) widget.advanced = true;
  if (plan.options.hidden) widget.hidden = true;
  widget.cnPlan = plan;
  return widget;
}

/** Widgets of packs say how much room the node needs at least. */
function growLeast(node: LGraphNode, made: { minWidth?: number; minHeight?: number } | null | undefined): void {
  const [width, height] = ((node as AnyWidget).cnLeast ?? [0, 0]) as [number, number];
  (node as AnyWidget).cnLeast = [Math.max(width, made?.minWidth ?? 0), Math.max(height, made?.minHeight ?? 0)];
}

/** A widget like those of definitions, for a pack: it does not belong to the node's definition. */
export function widgetFor(node: LGraphNode, name: string, spec: InputSpec): AnyWidget {
  const [plan] = planNode({ input: { required: { [name]: spec } } }).widgets;
  if (!plan) return null;
  const widget = plainWidget(node, { ...plan, loose: true });
  if (plan.label !== plan.name) widget.label = plan.label;
  if (plan.control) addControl(node, widget, plan);
  return widget;
}

/** The widgets that move another one's value on after each run. */
export function controlsFor(node: LGraphNode, widget: AnyWidget, mode: string, name = "control_after_generate"): AnyWidget[] {
  const kind = widget.type === "combo" ? "combo" : "int";
  addControl(node, widget, { kind, control: name, controlDefault: mode } as WidgetPlan);
  return widget.linkedWidgets as AnyWidget[];
}

function plainWidget(node: LGraphNode, plan: WidgetPlan): AnyWidget {
  const { name, options } = plan;
  const value = structuredClone(plan.defaultValue) as AnyWidget;
  const add = (type: string, more: Record<string, unknown> = {}): AnyWidget =>
    node.addWidget(type as never, name, value, noCallback, { ...more } as never);
  switch (plan.kind) {
    case "int": case "float": {
      const number = numberOptions(plan.kind === "int" ? "INT" : "FLOAT", options);
      const display = options.display === "slider" || options.display === "knob" ? options.display : "number";
      const widget = add(display, { ...number, step: (number.step2 ?? 1) * 10 });
      if (display === "knob") widget.computeSize = (width?: number) => [width ?? 0, 100];
      return widget;
    }
    case "boolean": return add("toggle", { on: String(options.label_on ?? "true"), off: String(options.label_off ?? "false") });
    case "combo": return addCombo(node, plan, value);
    case "multiline": return addTextArea(node, name, plan);
    case "color": return addColor(node, plan);
    case "unknown": return addJson(node, name, value);
    default: {
      const widget = add("text");
      if (options.dynamicPrompts) widget.dynamicPrompts = true;
      return widget;
    }
  }
}

function addCombo(node: LGraphNode, plan: WidgetPlan, value: AnyWidget): AnyWidget {
  const multiple = !!(plan.options.multi_select || plan.options.multiselect);
  const widget = node.addWidget("combo", plan.name, value, noCallback, { values: plan.choices, multiple } as never) as AnyWidget;
  const remote = plan.options.remote as Record<string, unknown> | undefined;
  if (typeof remote?.route === "string") {
    activeSurface()?.services.fetchOptions?.(remote.route, remote).then((choices) => {
      widget.options.values = choices;
      activeSurface()?.redraw();
    }, (error: unknown) => activeSurface()?.services.notify("warning", `The choices of “${plan.name}” could not be fetched: ${String(error)}`));
  }
  return widget;
}

/** A text box; a value that is no text is shown, marked and kept until a person edits it. */
export function addTextArea(node: LGraphNode, name: string, plan?: Partial<WidgetPlan>): DomWidget {
  const area = document.createElement("textarea");
  area.className = "cn-textarea";
  area.spellcheck = false;
  area.placeholder = String(plan?.options?.placeholder ?? plan?.label ?? name);
  area.setAttribute("aria-label", `${name}, ${node.title}`);
  let held: unknown = plan?.defaultValue ?? "";
  const show = (): void => {
    area.value = plainText(held);
    area.classList.toggle("cn-odd", typeof held !== "string");
  };
  show();
  const widget = addDomWidget(node, name, "customtext", area, {
    getValue: () => held,
    setValue: (value) => {
      if (value === held) return;
      held = plan?.loose ? String(value ?? "") : value;
      show();
    },
    getMinHeight: () => 54,
    copyFor: (other, otherName) => {
      const copy = addTextArea(other, otherName, { ...plan, label: otherName });
      other.widgets?.splice(other.widgets.indexOf(copy as AnyWidget), 1); // litegraph adds the copy itself
      return copy;
    },
  });
  (widget as AnyWidget).inputEl = area;
  (widget as AnyWidget).dynamicPrompts = !!plan?.options?.dynamicPrompts;
  area.addEventListener("input", () => {
    const old = held;
    held = area.value;
    area.classList.remove("cn-odd");
    (widget as AnyWidget).callback?.(held);
    node.onWidgetChanged?.(name, held, old, widget as AnyWidget);
    activeSurface()?.changed("widget");
  });
  guardElement(area);
  return widget;
}

/** Keys stay in the element; the wheel scrolls it when it can, else it zooms the canvas. */
export function guardElement(element: HTMLElement): void {
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      activeSurface()?.focus();
      event.preventDefault();
    }
    if (!(event.ctrlKey || event.metaKey) || ["a", "c", "v", "x", "z", "y"].includes(event.key.toLowerCase())) event.stopPropagation();
  });
  element.addEventListener("focus", () => activeSurface()?.editing(true));
  element.addEventListener("blur", () => activeSurface()?.editing(false));
  element.addEventListener("wheel", (event) => {
    const scrolls = element.scrollHeight > element.clientHeight + 1 && !event.ctrlKey && (document.activeElement === element || element.tagName !== "TEXTAREA" || element.classList.contains("cn-result"));
    if (scrolls) return event.stopPropagation();
    event.preventDefault();
    const canvas = element.closest(".cn-graph")?.querySelector("canvas");
    canvas?.dispatchEvent(new WheelEvent("wheel", event));
  }, { passive: false });
}

function addColor(node: LGraphNode, plan: WidgetPlan): AnyWidget {
  const input = document.createElement("input");
  input.type = "color";
  const holder = document.createElement("label");
  holder.className = "cn-color";
  const label = document.createElement("span");
  label.textContent = plan.label;
  holder.append(label, input);
  input.setAttribute("aria-label", plan.label);
  let held: unknown = plan.defaultValue;
  const show = (): void => {
    if (typeof held === "string" && /^#[0-9a-f]{6}$/i.test(held)) input.value = held;
    holder.classList.toggle("cn-odd", typeof held !== "string");
  };
  show();
  const widget = addDomWidget(node, plan.name, "color", holder, {
    getValue: () => held,
    setValue: (value) => {
      held = value;
      show();
    },
    getMinHeight: () => 26, getMaxHeight: () => 26, margin: 14,
    copyFor: (other, name) => {
      const copy = addColor(other, { ...plan, name }) as DomWidget;
      other.widgets?.splice(other.widgets.indexOf(copy as AnyWidget), 1);
      return copy;
    },
  });
  input.addEventListener("input", () => {
    held = input.value;
    node.onWidgetChanged?.(plan.name, held, null, widget as AnyWidget);
    activeSurface()?.changed("widget");
  });
  return widget;
}

/** A widget of a kind nobody knows: its value as one line of JSON, edited as JSON. */
function addJson(node: LGraphNode, name: string, value: unknown): AnyWidget {
  const widget = node.addWidget("text", name, value as never, noCallback, {}) as AnyWidget;
  widget.callback = (text: unknown) => {
    if (typeof text !== "string") return;
    try {
      widget.value = JSON.parse(text);
    } catch {
      widget.value = text;
    }
  };
  return widget;
}

function addControl(node: LGraphNode, target: AnyWidget, plan: WidgetPlan): void {
  const combo = plan.kind === "combo";
  const modes = combo ? COMBO_CONTROL_MODES : CONTROL_MODES;
  const control = node.addWidget("combo", plan.control as string, plan.controlDefault as never, noCallback, { values: [...modes] } as never) as AnyWidget;
  control.tooltip = "How the value moves on after each run.";
  control.cnControls = target;
  control.options.serialize = false;
  target.linkedWidgets = [control];
  if (combo) {
    const filter = node.addWidget("text", "control_filter_list", "" as never, noCallback, {}) as AnyWidget;
    Object.assign(filter, { cnControls: target, label: "filter" });
    filter.options.serialize = false;
    filter.tooltip = "Only choices that contain this text, or match /a regular expression/, take part.";
    target.linkedWidgets.push(filter);
  }
}

/** Moves every controlled value of a node on; true when something changed. */
export function runControls(node: LGraphNode): boolean {
  let changed = false;
  for (const widget of (node.widgets ?? []) as AnyWidget[]) {
    const controls = controlsOf(node, widget);
    const control = controls?.[0];
    if (!control || control.value === "fixed" || node.getSlotFromWidget(widget)?.link != null) continue;
    const next = widget.type === "combo"
      ? nextChoice(control.value, widget.value, choicesOf(widget, node), String(controls?.[1]?.value ?? ""))
      : nextNumber(control.value, widget.value, { min: widget.options.min, max: widget.options.max, step: widget.options.step2 });
    if (next === widget.value) continue;
    widget.value = next;
    widget.callback?.(next);
    changed = true;
  }
  return changed;
}

/** The controls of a value; one that a subgraph instance has of its own is moved by the control inside. */
function controlsOf(node: LGraphNode, widget: AnyWidget, depth = 0): AnyWidget[] | null {
  const [control] = (widget.linkedWidgets ?? []) as AnyWidget[];
  if (control?.cnControls === widget && node.widgets?.includes(control)) return widget.linkedWidgets as AnyWidget[];
  if (!(node instanceof SubgraphNode) || depth > 32 || (widget.cnProxy && (widget.cnSaved?.() ?? null) === null)) return null;
  const inner = promotedFrom(node, widget);
  return inner && controlsOf(inner.node, inner.widget, depth + 1);
}

/** What a widget sends to a run where that differs from its value: dynamic prompts and packs' `serializeValue`. */
export async function runValue(node: LGraphNode, widget: AnyWidget, index: number): Promise<{ value: unknown } | null> {
  if (typeof widget.serializeValue === "function") {
    const value: unknown = widget.options?.serialize === false ? undefined : await widget.serializeValue(node, index);
    return value === undefined ? null : { value };
  }
  if (widget.dynamicPrompts && typeof widget.value === "string") {
    const value = expandDynamicPrompt(widget.value);
    return value === widget.value ? null : { value };
  }
  return null;
}

const ACCEPT = { image: "image/*", video: "video/*,.webm,.mp4,.mkv,.gif", audio: "audio/*,video/*", file: "*/*" };

const CHOICES = { image: "an image", video: "a video", audio: "a sound", file: "a file" };

function addUploadButton(node: LGraphNode, upload: NonNullable<NodePlan["upload"]>): void {
  const button = node.addWidget("button", "upload", upload.kind as never, noCallback, {}) as AnyWidget;
  button.label = `choose ${CHOICES[upload.kind]} to upload`;
  button.value = upload.kind;
  button.cnOwn = true;
  button.callback = async () => {
    const services = activeSurface()?.services;
    const file = await services?.pickFile(ACCEPT[upload.kind]);
    if (file) await uploadTo(node, file);
  };
  (node as AnyWidget).cnUpload = upload;
}

/** Uploads a file and makes it the node's choice. */
export async function uploadTo(node: LGraphNode, file: File): Promise<boolean> {
  const upload = (node as AnyWidget).cnUpload as NonNullable<NodePlan["upload"]> | undefined;
  const surface = activeSurface();
  const widget = node.widgets?.find((candidate) => candidate.name === upload?.name) as AnyWidget;
  if (!upload || !surface || !widget) return false;
  if (upload.kind !== "file" && file.type && !accepts(file.type, upload.kind)) return false;
  try {
    const done = await surface.services.upload(file, { type: upload.folder === "output" || upload.folder === "temp" ? upload.folder : "input" });
    const name = done.subfolder ? `${done.subfolder}/${done.name}` : done.name;
    if (Array.isArray(widget.options.values) && !widget.options.values.includes(name)) widget.options.values = [...widget.options.values, name].sort();
    const canvas = (node.graph as AnyWidget)?.list_of_graphcanvas?.[0];
    if (canvas) commitValue(widget, name, { node, canvas });
    else widget.value = name;
    return true;
  } catch (error) {
    surface.services.notify("error", `“${file.name}” could not be uploaded: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function accepts(type: string, kind: "image" | "video" | "audio"): boolean {
  return type.startsWith(`${kind}/`) || (kind === "video" && type === "image/gif") || (kind === "audio" && type.startsWith("video/"));
}

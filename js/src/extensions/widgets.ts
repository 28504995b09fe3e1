// scripts/widgets.js: the makers of widgets by input type. Packs call them, add to them and replace them.
import { controlsFor, widgetFor } from "../graph";
import type { Any } from "./types";

export type WidgetMaker = (node: Any, inputName: string, inputData: Any, app?: unknown, widgetName?: string) => { widget: Any; minWidth?: number; minHeight?: number };

const made: WidgetMaker = (node, inputName, inputData) => ({ widget: widgetFor(node, inputName, inputData) });

/** A maker that makes its type whatever the input calls itself. */
const maker = (type: string): WidgetMaker => (node, inputName, inputData) =>
  made(node, inputName, Array.isArray(inputData?.[0]) ? inputData : [type, { ...inputData?.[1] }]);

const STOCK: Record<string, WidgetMaker> = {
  INT: maker("INT"),
  FLOAT: maker("FLOAT"),
  STRING: maker("STRING"),
  BOOLEAN: maker("BOOLEAN"),
  COMBO: maker("COMBO"),
  COLOR: maker("COLOR"),
  "INT:seed": maker("INT"),
  "INT:noise_seed": maker("INT"),
  MARKDOWN: (node, inputName, inputData) => made(node, inputName, ["STRING", { ...inputData?.[1], multiline: true }]),
  IMAGEUPLOAD: (node, inputName) => {
    const widget = node.addWidget("button", inputName, "image", () => node.pasteFile?.(), { serialize: false });
    widget.serialize = false;
    return { widget };
  },
};

export const ComfyWidgets: Record<string, WidgetMaker> = { ...STOCK };

/** The makers that packs added, or put in place of ours. */
export function makersOfPacks(): Record<string, WidgetMaker> {
  return Object.fromEntries(Object.entries(ComfyWidgets).filter(([type, make]) => STOCK[type] !== make));
}

export const IS_CONTROL_WIDGET = Symbol("IS_CONTROL_WIDGET");

export function updateControlWidgetLabel(widget: Any): void {
  widget.label = String(widget.name ?? "").replace(/_/g, " ");
}

/** One or, for choices, two widgets that move the target's value on after each run. */
export function addValueControlWidgets(node: Any, targetWidget: Any, defaultValue = "randomize", options: { controlAfterGenerateName?: string } = {}): Any[] {
  const controls = controlsFor(node, targetWidget, defaultValue, options.controlAfterGenerateName);
  for (const widget of controls) widget[IS_CONTROL_WIDGET] = true;
  return controls;
}

export function addValueControlWidget(node: Any, targetWidget: Any, defaultValue = "randomize", _values?: unknown, widgetName?: string): Any {
  return addValueControlWidgets(node, targetWidget, defaultValue, widgetName ? { controlAfterGenerateName: widgetName } : {})[0];
}

export function isValidWidgetType(type: string): boolean {
  return type in ComfyWidgets;
}

// Gives litegraph's widget classes our looks and our editing: fields open in place, lists filter, nothing is ever evaluated.
import { ARROW, drawWidget, isOdd, MARGIN, shownText } from "../widgets/draw";
import { openInlineEdit } from "../widgets/inline-edit";
import { clampRound, formatNumber, parseNumber, plainText, type NumberOptions } from "../widgets/number";
import { openChoices } from "../widgets/popup";
import {
  BaseWidget, BooleanWidget, ButtonWidget, ComboWidget, KnobWidget, type CanvasPointerEvent, type LGraphCanvas, LGraphNode, LiteGraph, menuIsReplaced, NumberWidget,
  SliderWidget, TextWidget,
} from "./litegraph";
import { activeSurface, surfaceOf } from "./surface";

// Widgets of packs carry anything; the fields read here are all optional.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyWidget = any;
type Click = { e: CanvasPointerEvent; node: LGraphNode; canvas: LGraphCanvas };

let ready = false;

/** Idempotent. */
export function setUpWidgetClasses(): void {
  if (ready) return;
  ready = true;
  for (const Class of [NumberWidget, SliderWidget, KnobWidget, ComboWidget, TextWidget, BooleanWidget, ButtonWidget]) {
    patch(Class, { drawWidget: drawAny });
  }
  patch(NumberWidget, { onClick: clickNumber, onDrag: dragNumber, setValue: setNumber });
  patch(SliderWidget, { onClick: slideTo, onDrag: slideTo, onPointerDown: editOnDoubleClick });
  patch(KnobWidget, { onClick: () => undefined, onDrag: turnKnob, onPointerDown: editOnDoubleClick });
  patch(ComboWidget, { onClick: clickCombo });
  patch(TextWidget, { onClick: clickText });
  patch(BooleanWidget, { onClick: clickToggle });
  patch(ButtonWidget, { onClick: clickButton });
  const prototype = LGraphNode.prototype as AnyWidget;
  const visible = prototype.isWidgetVisible as (widget: AnyWidget) => boolean;
  prototype.isWidgetVisible = function (widget: AnyWidget) {
    return visible.call(this, widget) && !isPutAway(widget);
  };
}

/** How packs hide a widget: its type is changed and its size is none. */
function isPutAway(widget: AnyWidget): boolean {
  return typeof widget.type === "string" && (widget.type.startsWith("converted-widget") || widget.type === "hidden");
}

function patch(Class: { prototype: object }, members: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(Class.prototype, name, { value, writable: true, configurable: true });
  }
}

export function numberOptionsOf(widget: AnyWidget): NumberOptions {
  const options = widget.options ?? {};
  const step2 = options.step2 ?? (options.step ? options.step * 0.1 : 1);
  return {
    min: options.min, max: options.max, step2, round: options.round || undefined, integer: options.integer === true,
    precision: options.precision ?? 3,
  };
}

export function choicesOf(widget: AnyWidget, node: LGraphNode): unknown[] {
  let values = widget.options?.values;
  if (typeof values === "function") {
    try {
      values = values(widget, node);
    } catch {
      return [];
    }
  }
  if (Array.isArray(values)) return values;
  return values && typeof values === "object" ? Object.keys(values) : [];
}

function labelOfChoice(widget: AnyWidget): (choice: unknown) => string {
  const values = widget.options?.values;
  const record = values && typeof values === "object" && !Array.isArray(values) ? (values as Record<string, unknown>) : null;
  return (choice) => String(record ? (record[String(choice)] ?? choice) : (widget.options?.getOptionLabel?.(choice) ?? choice));
}

function drawAny(this: AnyWidget, ctx: CanvasRenderingContext2D, { width, showText = true }: { width: number; showText?: boolean }): void {
  const surface = activeSurface();
  if (!surface) return;
  drawWidget(ctx, {
    type: this.type === "string" ? "text" : this.type,
    label: this.label || this.localized_name || this.name || "",
    value: this.value,
    y: this.y,
    height: this.type === "knob" ? (this.computedHeight ?? 100) : 22,
    number: numberOptionsOf(this),
    shown: shownValue(this),
    disabled: !!this.computedDisabled,
    odd: oddWidget(this),
    error: !!this.node && !!surface.runtimeOf(this.node)?.error?.inputs.includes(this.name),
    hover: this.node?.mouseOver?.overWidget === this,
    advanced: !!this.advanced,
  }, width, surface.palette, showText);
}

function shownValue(widget: AnyWidget): string {
  if (widget.type === "toggle" && typeof widget.value === "boolean") {
    return plainText((widget.value ? widget.options?.on : widget.options?.off) ?? widget.value);
  }
  if (widget.type === "combo") return Array.isArray(widget.value) ? shownText(widget.value) : labelOfChoice(widget)(plainText(widget.value));
  return shownText(widget.value);
}

const ANNOTATED = / \[(?:input|output|temp)\]$/;

export function oddWidget(widget: AnyWidget): boolean {
  // a chosen file may lie in a folder that is not listed, as the mask editor's do
  if (widget.node?.cnUpload?.name === widget.name && ANNOTATED.test(String(widget.value))) return false;
  const choices = widget.type === "combo" && Array.isArray(widget.options?.values) ? (widget.options.values as unknown[]) : null;
  return isOdd(widget.type, widget.value, choices, !!widget.options?.multiple);
}

/** Sets a value as a person's edit: callbacks, packs' hooks and the change event follow. */
export function commitValue(widget: AnyWidget, value: unknown, { e, node, canvas }: Partial<Click> & { node: LGraphNode; canvas: LGraphCanvas }): void {
  const old = widget.value;
  if (old === value) return;
  widget.value = value;
  const property = widget.options?.property;
  if (property && node.properties[property] !== undefined) node.setProperty(property, value as never);
  widget.callback?.(widget.value, canvas, node, canvas.graph_mouse, e);
  node.onWidgetChanged?.(widget.name ?? "", value, old, widget);
  if (node.graph) node.graph._version++;
  surfaceOf(canvas)?.changed("widget");
  canvas.setDirty(true, false);
}

patch(BaseWidget, {
  setValue(this: AnyWidget, value: unknown, options: Click) {
    commitValue(this, this.type === "number" ? Number(value) : value, options);
  },
});

function setNumber(this: AnyWidget, value: unknown, options: Click): void {
  const number = Number(value);
  if (!Number.isNaN(number)) commitValue(this, clampRound(number, numberOptionsOf(this)), options);
}

function xInField(widget: AnyWidget, { e, node }: Click): { x: number; width: number } {
  return { x: e.canvasX - node.pos[0], width: widget.width || node.size[0] };
}

function clickNumber(this: AnyWidget, click: Click): void {
  const { x, width } = xInField(this, click);
  const options = numberOptionsOf(this);
  const direction = x < MARGIN + ARROW ? -1 : x > width - MARGIN - ARROW ? 1 : 0;
  if (direction && typeof this.value === "number") return this.setValue(this.value + direction * (options.step2 ?? 1), click);
  editNumber(this, click.node, click.canvas);
}

function dragNumber(this: AnyWidget, click: Click): void {
  if (typeof this.value !== "number") return;
  const { min = -Infinity, max = Infinity, step2 = 1 } = numberOptionsOf(this);
  if (!Number.isSafeInteger(Math.round(this.value))) return;
  // one step for every three pixels, more where the range is large
  const range = Number.isFinite(max - min) ? max - min : 0;
  const factor = range > 0 && range < 1e6 ? Math.max(1, Math.round(range / step2 / 600)) : 1;
  this._dragged = (this._dragged ?? 0) + (click.e.deltaX ?? 0) / 3;
  const steps = Math.trunc(this._dragged);
  if (!steps) return;
  this._dragged -= steps;
  this.setValue(this.value + steps * step2 * factor, click);
}

function slideTo(this: AnyWidget, click: Click): void {
  const { x, width } = xInField(this, click);
  const options = numberOptionsOf(this);
  const { min = 0, max = 1 } = options;
  const part = Math.min(Math.max((x - MARGIN) / Math.max(width - MARGIN * 2, 1), 0), 1);
  const stepped = Math.round((part * (max - min)) / (options.step2 || 1e-9)) * (options.step2 || 1e-9) + min;
  commitValue(this, clampRound(Math.min(stepped, max), { ...options, round: options.round ?? undefined }), click);
}

function turnKnob(this: AnyWidget, click: Click): void {
  const options = numberOptionsOf(this);
  const { min = 0, max = 1, step2 = 1 } = options;
  const start = typeof this.value === "number" ? this.value : min;
  this._dragged = (this._dragged ?? 0) + (((click.e.deltaX ?? 0) - (click.e.deltaY ?? 0)) * (max - min)) / 200;
  const steps = Math.trunc(this._dragged / step2);
  if (!steps) return;
  this._dragged -= steps * step2;
  commitValue(this, clampRound(start + steps * step2, options), click);
}

function editOnDoubleClick(this: AnyWidget, pointer: { onDoubleClick?: unknown }, node: LGraphNode, canvas: LGraphCanvas): boolean {
  pointer.onDoubleClick = () => editNumber(this, node, canvas);
  return false;
}

function fieldPlace(widget: AnyWidget, node: LGraphNode, canvas: LGraphCanvas): { left: number; top: number; width: number; height: number; fontSize: number } {
  const surface = surfaceOf(canvas);
  const scale = surface?.scale() ?? 1;
  const height = widget.type === "knob" ? 22 : 22;
  const { x, y } = surface?.toOverlay(node.pos[0] + MARGIN, node.pos[1] + widget.y) ?? { x: 0, y: 0 };
  const width = Math.max(((widget.width || node.size[0]) - MARGIN * 2) * scale, 70);
  return { left: x, top: y, width, height: Math.max(height * scale, 20), fontSize: Math.max(12 * scale, 11) };
}

export function editNumber(widget: AnyWidget, node: LGraphNode, canvas: LGraphCanvas, typed?: string): void {
  const surface = surfaceOf(canvas);
  if (!surface || surface.readOnly) return;
  const options = numberOptionsOf(widget);
  surface.editing(true);
  openInlineEdit(surface.overlay, {
    ...fieldPlace(widget, node, canvas),
    value: typed ?? (typeof widget.value === "number" ? String(widget.value) : plainText(widget.value)),
    align: "right", numeric: true, label: widget.label || widget.name,
    onCommit: (text) => {
      const number = parseNumber(text);
      if (number === null) surface.services.notify("warning", `“${text.slice(0, 60)}” is not a number.`);
      else commitValue(widget, clampRound(number, options), { node, canvas });
    },
    onStep: (text, steps) => {
      const number = parseNumber(text);
      return number === null ? null : formatNumber(clampRound(number + steps * (options.step2 ?? 1), options), options);
    },
    onClose: () => {
      surface.editing(false);
      surface.focus();
    },
  });
  if (typed !== undefined) {
    // typing over a field starts with the typed character, ready for the next one; it is new even if it equals the value
    const input = surface.overlay.querySelector<HTMLInputElement>("input.cn-inline");
    input?.setSelectionRange(typed.length, typed.length);
  }
}

function clickText(this: AnyWidget, { node, canvas }: Click): void {
  const surface = surfaceOf(canvas);
  if (!surface) return;
  surface.editing(true);
  openInlineEdit(surface.overlay, {
    ...fieldPlace(this, node, canvas), value: plainText(this.value), label: this.label || this.name,
    onCommit: (text) => commitValue(this, text, { node, canvas }),
    onClose: () => {
      surface.editing(false);
      surface.focus();
    },
  });
}

function clickToggle(this: AnyWidget, click: Click): void {
  commitValue(this, !(this.value === true), click);
}

function clickButton(this: AnyWidget, { e, node, canvas }: Click): void {
  this.clicked = false;
  this.callback?.(this, canvas, node, canvas.graph_mouse, e);
  canvas.setDirty(true, false);
}

function clickCombo(this: AnyWidget, click: Click): void {
  const { node, canvas } = click;
  const { x, width } = xInField(this, click);
  const choices = choicesOf(this, node);
  const direction = x < MARGIN + ARROW ? -1 : x > width - MARGIN - ARROW ? 1 : 0;
  if (direction && !this.options?.multiple && choices.length) {
    const at = choices.indexOf(this.value);
    const next = choices[Math.min(Math.max(at + direction, 0), choices.length - 1)];
    return commitValue(this, next, click);
  }
  const surface = surfaceOf(canvas);
  if (!surface) return;
  if (menuIsReplaced() && !this.options?.multiple) return openPacksMenu(this, click, choices);
  const place = fieldPlace(this, node, canvas);
  surface.editing(true);
  openChoices(surface.overlay, { x: place.left, y: place.top + place.height + 2, above: place.top - 2 }, {
    choices, value: this.value, label: this.label || this.name, minWidth: Math.max(place.width, 160),
    multiple: !!this.options?.multiple, format: labelOfChoice(this),
    onChoose: (choice) => commitValue(this, choice, { node, canvas }),
    onClose: () => {
      surface.editing(false);
      surface.focus();
    },
  });
}

/** The choices in the menu that packs put in place of litegraph's. */
function openPacksMenu(widget: AnyWidget, { e, node, canvas }: Click, choices: unknown[]): void {
  const labels = choices.map(labelOfChoice(widget));
  const callback = (label: unknown): void => {
    const text = typeof label === "string" ? label : String((label as { content?: unknown } | null)?.content ?? label);
    const at = labels.indexOf(text);
    if (at >= 0) commitValue(widget, choices[at], { e, node, canvas });
  };
  new LiteGraph.ContextMenu(labels, { scale: Math.max(1, canvas.ds.scale), event: e, className: "dark", callback, node, widget } as never);
}

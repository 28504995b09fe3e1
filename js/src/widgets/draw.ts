// How canvas widgets look. Takes plain descriptions, so that packs' own widgets of the same kinds look alike.
import type { Palette } from "../graph/theme";
import { formatNumber, plainText, type NumberOptions } from "./number";
import { fitText, textWidth, useFont } from "./text";

export interface DrawnWidget {
  type: string;
  label: string;
  value: unknown;
  y: number;
  height: number;
  number: NumberOptions;
  /** Text of a combo's or toggle's value. */
  shown: string;
  disabled: boolean;
  /** The value does not fit the widget: it is kept, and marked. */
  odd: boolean;
  /** The last run or check refused this input. */
  error: boolean;
  hover: boolean;
  advanced: boolean;
}

export const MARGIN = 14;
/** Width of an arrow button, from the field's edge. */
export const ARROW = 20;

export function drawWidget(ctx: CanvasRenderingContext2D, widget: DrawnWidget, width: number, palette: Palette, showText: boolean): void {
  const { y, height } = widget;
  const w = width - MARGIN * 2;
  ctx.save();
  ctx.textBaseline = "middle";
  useFont(ctx, `12px ${palette.font}`);
  ctx.lineWidth = 1;
  if (widget.type === "button") drawButton(ctx, widget, w, palette, showText);
  else if (widget.type === "knob") drawKnob(ctx, widget, width, palette, showText);
  else {
    drawField(ctx, widget, w, palette);
    if (widget.type === "slider") drawSliderFill(ctx, widget, w, palette);
    if (showText) {
      const arrows = widget.type === "number" || widget.type === "combo";
      if (arrows && !widget.disabled) drawArrows(ctx, widget, w, palette);
      const right = widget.type === "toggle" ? 38 : arrows ? ARROW : 10;
      if (widget.type === "toggle") drawPill(ctx, widget, w, palette);
      drawLabelAndValue(ctx, widget, MARGIN + (arrows ? ARROW : 10), y + height / 2 + 0.5, w - (arrows ? ARROW : 10) - right, palette);
    }
  }
  ctx.restore();
}

function drawField(ctx: CanvasRenderingContext2D, widget: DrawnWidget, w: number, palette: Palette): void {
  ctx.fillStyle = palette.field;
  ctx.strokeStyle = widget.error ? palette.error : widget.odd ? palette.warning : widget.hover && !widget.disabled ? palette.accent : palette.fieldBorder;
  if (widget.advanced && !widget.odd && !widget.error && !widget.hover) ctx.strokeStyle = palette.textDim;
  ctx.beginPath();
  ctx.roundRect(MARGIN + 0.5, widget.y + 0.5, w - 1, widget.height - 1, 6);
  ctx.fill();
  ctx.stroke();
}

function drawSliderFill(ctx: CanvasRenderingContext2D, widget: DrawnWidget, w: number, palette: Palette): void {
  const { min = 0, max = 1 } = widget.number;
  if (typeof widget.value !== "number" || max <= min) return;
  const part = Math.min(Math.max((widget.value - min) / (max - min), 0), 1);
  ctx.fillStyle = palette.fill;
  ctx.beginPath();
  ctx.roundRect(MARGIN + 1, widget.y + 1, Math.max((w - 2) * part, part > 0 ? 4 : 0), widget.height - 2, 5);
  ctx.fill();
}

function drawArrows(ctx: CanvasRenderingContext2D, widget: DrawnWidget, w: number, palette: Palette): void {
  const middle = widget.y + widget.height / 2;
  ctx.strokeStyle = palette.textDim;
  ctx.lineWidth = 1.4;
  ctx.beginPath();
  ctx.moveTo(MARGIN + 12, middle - 3.5);
  ctx.lineTo(MARGIN + 8.5, middle);
  ctx.lineTo(MARGIN + 12, middle + 3.5);
  ctx.moveTo(MARGIN + w - 12, middle - 3.5);
  ctx.lineTo(MARGIN + w - 8.5, middle);
  ctx.lineTo(MARGIN + w - 12, middle + 3.5);
  ctx.stroke();
}

function drawPill(ctx: CanvasRenderingContext2D, widget: DrawnWidget, w: number, palette: Palette): void {
  const on = widget.value === true;
  const x = MARGIN + w - 32;
  const middle = widget.y + widget.height / 2;
  ctx.fillStyle = on ? palette.accent : palette.fieldBorder;
  ctx.beginPath();
  ctx.roundRect(x, middle - 6, 24, 12, 6);
  ctx.fill();
  ctx.fillStyle = on ? palette.field : palette.textDim;
  ctx.beginPath();
  ctx.arc(on ? x + 18 : x + 6, middle, 4.2, 0, Math.PI * 2);
  ctx.fill();
}

function drawLabelAndValue(
  ctx: CanvasRenderingContext2D, widget: DrawnWidget, x: number, middle: number, room: number, palette: Palette,
): void {
  const value = shownValue(widget);
  const gap = 8;
  const labelWidth = textWidth(ctx, widget.label);
  const valueWidth = textWidth(ctx, value);
  let labelRoom = labelWidth;
  let valueRoom = valueWidth;
  if (labelWidth + gap + valueWidth > room) {
    // a short label stays whole; long ones share
    labelRoom = Math.min(labelWidth, Math.max(room * 0.42, room - gap - valueWidth));
    valueRoom = room - gap - labelRoom;
  }
  ctx.textAlign = "left";
  ctx.fillStyle = palette.fieldLabel;
  ctx.fillText(fitText(ctx, widget.label, labelRoom + 0.5), x, middle);
  ctx.textAlign = "right";
  ctx.fillStyle = widget.odd ? palette.warning : widget.disabled ? palette.textDim : palette.fieldText;
  ctx.fillText(fitText(ctx, value, valueRoom + 0.5), x + room, middle);
}

function shownValue(widget: DrawnWidget): string {
  if (widget.type === "number" || widget.type === "slider" || widget.type === "knob") {
    return formatNumber(widget.value, widget.number);
  }
  return widget.shown.split("\n", 1)[0] ?? "";
}

function drawButton(ctx: CanvasRenderingContext2D, widget: DrawnWidget, w: number, palette: Palette, showText: boolean): void {
  ctx.fillStyle = widget.hover ? palette.menuHover : palette.nodeTitle;
  ctx.strokeStyle = palette.fieldBorder;
  ctx.beginPath();
  ctx.roundRect(MARGIN + 0.5, widget.y + 0.5, w - 1, widget.height - 1, 6);
  ctx.fill();
  ctx.stroke();
  if (!showText) return;
  ctx.textAlign = "center";
  ctx.fillStyle = palette.fieldText;
  ctx.fillText(fitText(ctx, widget.label, w - 16), MARGIN + w / 2, widget.y + widget.height / 2 + 0.5);
}

function drawKnob(ctx: CanvasRenderingContext2D, widget: DrawnWidget, width: number, palette: Palette, showText: boolean): void {
  const { min = 0, max = 1 } = widget.number;
  const radius = Math.max(Math.min(widget.height, width) / 2 - 22, 12);
  const x = width / 2;
  const y = widget.y + 12 + radius + 4;
  const start = Math.PI * 0.75;
  const part = typeof widget.value === "number" && max > min ? Math.min(Math.max((widget.value - min) / (max - min), 0), 1) : 0;
  ctx.lineCap = "round";
  ctx.lineWidth = 6;
  ctx.strokeStyle = palette.fieldBorder;
  ctx.beginPath();
  ctx.arc(x, y, radius, start, start + Math.PI * 1.5);
  ctx.stroke();
  ctx.strokeStyle = widget.odd ? palette.warning : palette.accent;
  ctx.beginPath();
  ctx.arc(x, y, radius, start, start + Math.PI * 1.5 * part);
  if (part > 0) ctx.stroke();
  if (!showText) return;
  ctx.textAlign = "center";
  ctx.fillStyle = palette.fieldText;
  ctx.fillText(fitText(ctx, shownValue(widget), radius * 1.7), x, y);
  ctx.fillStyle = palette.fieldLabel;
  ctx.fillText(fitText(ctx, widget.label, width - 20), x, widget.y + 8);
}

/** Whether a value fits its widget. Files may hold anything; it is shown and kept, never repaired behind one's back. */
export function isOdd(type: string, value: unknown, choices: readonly unknown[] | null, multiple: boolean): boolean {
  switch (type) {
    case "number": case "slider": case "knob": return typeof value !== "number";
    case "toggle": return typeof value !== "boolean";
    case "text": case "string": return typeof value !== "string";
    case "combo":
      if (multiple) return !Array.isArray(value);
      return !!choices && choices.length > 0 && !choices.includes(value);
    default: return false;
  }
}

export function shownText(value: unknown): string {
  return Array.isArray(value) ? value.map(plainText).join(", ") : plainText(value);
}

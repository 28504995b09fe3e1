// Groups as a tinted area with a readable title; outputs without litegraph's black ring.
import { fitText, useFont } from "../widgets/text";
import { LabelPosition, LGraphGroup, LGraphNode, LiteGraph } from "./litegraph";
import { surfaceOf } from "./surface";

/** Idempotent. */
export function installSharedDrawing(): void {
  LGraphGroup.prototype.draw = function (this: LGraphGroup, canvas, ctx) {
    const palette = surfaceOf(canvas)?.palette;
    if (!palette) return;
    const [x, y] = this._pos as unknown as [number, number];
    const [w, h] = this._size as unknown as [number, number];
    const size = this.font_size || LiteGraph.DEFAULT_GROUP_FONT_SIZE;
    const color = this.color || palette.group;
    ctx.save();
    ctx.fillStyle = color;
    ctx.strokeStyle = this.selected ? palette.accent : color;
    ctx.globalAlpha = palette.dark ? 0.16 : 0.13;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 8);
    ctx.fill();
    ctx.beginPath();
    ctx.roundRect(x, y, w, Math.min(size * 1.4, h), [8, 8, 0, 0]);
    ctx.fill();
    ctx.globalAlpha = this.selected ? 1 : 0.6;
    ctx.lineWidth = this.selected ? 2 : 1;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 8);
    ctx.stroke();
    ctx.globalAlpha = 0.8;
    ctx.beginPath();
    ctx.moveTo(x + w - 4, y + h - 13);
    ctx.lineTo(x + w - 4, y + h - 4);
    ctx.lineTo(x + w - 13, y + h - 4);
    ctx.stroke();
    if (size * canvas.ds.scale > 4) {
      ctx.globalAlpha = 0.85;
      useFont(ctx, `600 ${size * 0.8}px ${palette.font}`);
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      ctx.fillStyle = palette.title;
      ctx.fillText(fitText(ctx, this.title, w - 20), x + 10, y + size * 0.7);
    }
    ctx.restore();
  };
  const sample = new LGraphNode("");
  const output = Object.getPrototypeOf(sample.addOutput("", "*")) as { draw: (ctx: CanvasRenderingContext2D, options: object) => void };
  const slot = Object.getPrototypeOf(output) as typeof output;
  output.draw = function (this: object, ctx, options) {
    ctx.textAlign = "right";
    slot.draw.call(this, ctx, { ...options, labelPosition: LabelPosition.Left, doStroke: false });
    ctx.textAlign = "left";
  };
}

// What a node needs that nobody defined, written into the room under its sockets.
import { fitText, textWidth, useFont } from "../widgets/text";
import type { UnknownNode } from "./defined-node";
import { LiteGraph } from "./litegraph";
import { whatItNeeds } from "./missing-nodes";
import type { Looks } from "./node-looks";
import type { Palette } from "./theme";

const LINE = 15;
const MARGIN = 10;

/** The words of a node, wrapped at the width it had: they are asked for in every frame. */
const told = new WeakMap<UnknownNode, { width: number; lines: string[] }>();

export function drawMissing(node: UnknownNode, ctx: CanvasRenderingContext2D, look: Looks, palette: Palette): void {
  if (node.flags.collapsed) return;
  const top = Math.max(node.inputs.length, node.outputs.length) * LiteGraph.NODE_SLOT_HEIGHT + 12;
  const room = Math.floor((node.size[1] - top - 4) / LINE);
  if (room < 1) return;
  useFont(ctx, `11px ${palette.font}`);
  ctx.fillStyle = look.text;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  const width = node.size[0] - 2 * MARGIN;
  const lines = linesOf(node, ctx, width);
  const shown = lines.length > room ? [...lines.slice(0, room - 1), lines.slice(room - 1).join(" ")] : lines;
  shown.forEach((line, index) => ctx.fillText(fitText(ctx, line, width), MARGIN, top + (index + 1) * LINE - 4));
}

function linesOf(node: UnknownNode, ctx: CanvasRenderingContext2D, width: number): string[] {
  const known = told.get(node);
  if (known?.width === width) return known.lines;
  const lines = wrapped(ctx, `Not installed. ${whatItNeeds(node.type, node.properties)}`, width);
  told.set(node, { width, lines });
  return lines;
}

/** `text` in lines of at most `width`, broken between words. */
function wrapped(ctx: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && textWidth(ctx, longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

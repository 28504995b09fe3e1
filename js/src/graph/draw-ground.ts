// The ground under the graph.
import type { LGraphCanvas } from "./litegraph";
import type { Palette } from "./theme";

const tiles = new Map<string, CanvasPattern>();

/** The ground: one colour with a faint grid of dots that keeps its density while zooming. */
export function drawGround(canvas: LGraphCanvas, element: HTMLCanvasElement, ctx: CanvasRenderingContext2D, palette: Palette): void {
  const ratio = window.devicePixelRatio || 1;
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.canvas;
  ctx.fillRect(0, 0, element.width, element.height);
  let step = 20 * canvas.ds.scale;
  while (step < 15) step *= 2;
  while (step > 44) step /= 2;
  const key = `${palette.grid}|${ratio}`;
  let pattern = tiles.get(key);
  if (!pattern) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 32 * ratio;
    const pen = tile.getContext("2d");
    if (!pen) return;
    pen.fillStyle = palette.grid;
    pen.beginPath();
    pen.arc(16 * ratio, 16 * ratio, 1.3 * ratio, 0, Math.PI * 2);
    pen.fill();
    const made = ctx.createPattern(tile, "repeat");
    if (!made) return;
    tiles.set(key, (pattern = made));
  }
  const zoom = step / 32;
  const origin = canvas.ds.scale * ratio;
  pattern.setTransform(new DOMMatrix().translate(canvas.ds.offset[0] * origin, canvas.ds.offset[1] * origin).scale(zoom).translate(-16 * ratio, -16 * ratio));
  ctx.fillStyle = pattern;
  ctx.fillRect(0, 0, element.width, element.height);
}

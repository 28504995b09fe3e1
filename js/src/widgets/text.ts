// Measuring and cutting text on the canvas, with a cache: both are asked for every widget in every frame.

const widths = new Map<string, number>();
const fits = new Map<string, string>();
const LIMIT = 6000;

let font = "";

/** Sets the font that the functions below measure with. Reading it back from the context is slow: it is made into text anew. */
export function useFont(ctx: CanvasRenderingContext2D, wanted: string): void {
  ctx.font = font = wanted;
}

/** Of a text in the font set last by `useFont`. */
export function textWidth(ctx: CanvasRenderingContext2D, text: string): number {
  const key = `${font}|${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > LIMIT) widths.clear();
    width = ctx.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/** The text, cut with an ellipsis where it is wider than `width`. */
export function fitText(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (width <= 4) return "";
  const line = text.length > 400 ? text.slice(0, 400) : text;
  if (textWidth(ctx, line) <= width) return line;
  const key = `${font}|${Math.round(width)}|${line}`;
  let cut = fits.get(key);
  if (cut === undefined) {
    if (fits.size > LIMIT) fits.clear();
    let low = 0;
    let high = line.length;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (ctx.measureText(`${line.slice(0, middle)}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    cut = low ? `${line.slice(0, low).trimEnd()}…` : "";
    fits.set(key, cut);
  }
  return cut;
}

export function clearTextCache(): void {
  widths.clear();
  fits.clear();
}

// The pointer over the canvas: where it was last seen, a tap of Space (held, Space pans), and no menu of the page.

import type { Point } from "../graph";
import { isTyping } from "./keyboard";

const TAP_MS = 300;

/** `onSpace` gets the place for the search, undefined when the pointer is not over the canvas. */
export function followPointer(canvas: HTMLElement, onSpace: (client: { x: number; y: number } | undefined) => void): { at(): Point; stop(): void } {
  let at: Point = [0, 0];
  let spaceAt = -Infinity;
  const moved = (event: PointerEvent) => { at = [event.clientX, event.clientY]; };
  const pressed = () => { spaceAt = -Infinity; };
  const menu = (event: Event) => {
    event.stopPropagation();
    if (!isTyping(event.target)) event.preventDefault();
  };
  const down = (event: KeyboardEvent) => {
    if (event.key === " " && !event.repeat && event.target instanceof HTMLCanvasElement) spaceAt = performance.now();
  };
  const up = (event: KeyboardEvent) => {
    if (event.key !== " " || performance.now() - spaceAt > TAP_MS) return;
    spaceAt = -Infinity;
    onSpace(document.elementFromPoint(...at) instanceof HTMLCanvasElement ? { x: at[0], y: at[1] } : undefined);
  };
  const stop = new AbortController();
  const before = { capture: true, signal: stop.signal };
  canvas.addEventListener("pointermove", moved, before);
  canvas.addEventListener("pointerdown", pressed, before);
  canvas.addEventListener("keydown", down, before);
  canvas.addEventListener("keyup", up, before);
  canvas.addEventListener("contextmenu", menu, { signal: stop.signal });
  return { at: () => at, stop: () => stop.abort() };
}

// Pointers over the stage: which buttons draw, erase and move the picture, two fingers that pinch, the wheel.

import type { Spot } from "./raster";

export interface GesturePorts {
  /** Places are on the stage, in CSS pixels. */
  begin(spot: Spot, how: { pressure: number; erase: boolean; straight: boolean }): void;
  move(spot: Spot, pressure: number): void;
  end(): void;
  abort(): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number, about: Spot): void;
  /** Where the pointer is; null when it left. */
  hover(spot: Spot | null): void;
}

const ERASER_BUTTON = 32;

/** `panning` tells whether a press with the main button moves the picture. */
export function bindGestures(stage: HTMLElement, panning: () => boolean, ports: GesturePorts): void {
  const fingers = new Map<number, Spot>();
  let doing: { id: number; what: "draw" | "pan"; at: Spot } | null = null;
  const spotOf = (event: MouseEvent): Spot => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  const down = (event: PointerEvent): void => {
    event.preventDefault();
    stage.focus({ preventScroll: true });
    const at = spotOf(event);
    if (event.pointerType === "touch") fingers.set(event.pointerId, at);
    capture(stage, event.pointerId);
    if (fingers.size > 1) {
      if (doing?.what === "draw") ports.abort();
      doing = null;
      return;
    }
    if (doing) return;
    const pan = event.button === 1 || (event.button === 0 && panning());
    doing = { id: event.pointerId, what: pan ? "pan" : "draw", at };
    const erase = event.button === 2 || (event.buttons & ERASER_BUTTON) !== 0;
    if (!pan) ports.begin(at, { pressure: pressureOf(event), erase, straight: event.shiftKey });
  };
  const move = (event: PointerEvent): void => {
    const at = spotOf(event);
    const before = fingers.get(event.pointerId);
    if (before && fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1] as Spot;
      pinch(before, at, other, ports);
    }
    if (before) fingers.set(event.pointerId, at);
    ports.hover(event.pointerType === "touch" ? null : at);
    if (doing?.id !== event.pointerId) return;
    if (doing.what === "pan") ports.pan(at.x - doing.at.x, at.y - doing.at.y);
    else for (const one of eventsIn(event)) ports.move(spotOf(one), pressureOf(one));
    doing.at = at;
  };
  const up = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    if (doing?.id !== event.pointerId) return;
    const { what } = doing;
    doing = null;
    if (what !== "draw") return;
    if (event.type === "pointerup") ports.end();
    else ports.abort();
  };

  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", up);
  stage.addEventListener("pointerleave", () => ports.hover(null));
  stage.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    ports.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), spotOf(event));
  }, { passive: false });
}

/** Two fingers: the picture goes where they go. */
function pinch(before: Spot, now: Spot, other: Spot, ports: GesturePorts): void {
  const distance = (spot: Spot) => Math.max(1, Math.hypot(spot.x - other.x, spot.y - other.y));
  ports.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  ports.zoom(distance(now) / distance(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
}

/** All places since the last frame, where the browser tells them. */
function eventsIn(event: PointerEvent): PointerEvent[] {
  const all = event.getCoalescedEvents?.() ?? [];
  return all.length > 0 ? all : [event];
}

/** Mice and fingers press fully; a pen draws half as wide where it is light. */
function pressureOf(event: PointerEvent): number {
  return event.pointerType === "pen" && event.pressure > 0 ? 0.3 + 0.7 * event.pressure : 1;
}

function capture(stage: HTMLElement, id: number): void {
  try {
    stage.setPointerCapture(id);
  } catch {
    // the pointer is gone already
  }
}

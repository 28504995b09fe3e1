// Workflows remember where their author looked, on another screen. Where that leaves a cell mostly empty, all is shown.

import type { GraphViewApi } from "../graph";

type Rect = [x: number, y: number, width: number, height: number];

const ENOUGH = 0.5;

/** Whether half of the view is graph, or nearly all of the graph is in the view. */
export function isWellFramed({ content, visible }: { content: Rect; visible: Rect }): boolean {
  const shared = overlap(content[0], content[2], visible[0], visible[2]) * overlap(content[1], content[3], visible[1], visible[3]);
  return shared >= ENOUGH * visible[2] * visible[3] || shared >= 0.9 * content[2] * content[3];
}

export function frame(view: Pick<GraphViewApi, "bounds" | "fit">): void {
  const bounds = view.bounds() as ReturnType<GraphViewApi["bounds"]> | undefined;
  if (bounds && bounds.visible[2] * bounds.visible[3] > 0 && !isWellFramed(bounds)) view.fit();
}

function overlap(from: number, length: number, otherFrom: number, otherLength: number): number {
  return Math.max(0, Math.min(from + length, otherFrom + otherLength) - Math.max(from, otherFrom));
}

// Widgets that show results come and go with them; they are never part of the document.
import type { LGraphNode } from "./litegraph";
import { loading } from "./loading";
import { activeSurface } from "./surface";
import type { AnyWidget } from "./widget-classes";

export const IMAGE_WIDGET = "$$canvas-image-preview";
export const COMPARE_WIDGET = "$$image-compare";
export const TEXT_WIDGET = "$$text-preview";
export const ANIMATED_WIDGET = "$$comfy_animation_preview";
export const PLAYER_WIDGET = "$$player";

/** Widgets that only show results; never part of the document. */
export function isPreviewWidget(widget: { name?: string }): boolean {
  return typeof widget.name === "string" && widget.name.startsWith("$$");
}

export function removeWidget(node: LGraphNode, name: string): void {
  const widget = node.widgets?.find((candidate) => candidate.name === name);
  if (!widget) return;
  (widget as AnyWidget).element?.remove();
  node.widgets = node.widgets?.filter((candidate) => candidate !== widget);
}

/** Makes a node tall enough for what it shows, never smaller. */
export function growTo(node: LGraphNode): void {
  if (loading.on) return activeSurface()?.redraw(); // drawing makes room where it is really missing
  const needed = node.computeSize();
  if (needed[1] > node.size[1] || needed[0] > node.size[0]) {
    node.setSize([Math.max(node.size[0], needed[0]), Math.max(node.size[1], needed[1] + 60)]);
  }
  activeSurface()?.redraw();
}

/** Nodes that grew for a live preview: their size before and since, [width, height] each. */
const grown = new WeakMap<LGraphNode, { before: [number, number]; since: [number, number] }>();

/** What `grow` adds to a node's size is for what it shows now; the file keeps what there was. */
export function growForNow(node: LGraphNode, grow: () => void): void {
  const before: [number, number] = [node.size[0], node.size[1]];
  grow();
  const since: [number, number] = [node.size[0], node.size[1]];
  if (since[0] !== before[0] || since[1] !== before[1]) grown.set(node, { before, since });
}

/** The size that belongs in the file; a side that a person changed since the node grew is as it is. */
export function lastingSize(node: LGraphNode): [number, number] {
  const growth = grown.get(node);
  const side = (axis: 0 | 1): number => (growth && node.size[axis] === growth.since[axis] ? growth.before[axis] : node.size[axis]);
  return [side(0), side(1)];
}

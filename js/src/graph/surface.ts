// What widgets and drawing code may ask of the view that shows them, found from litegraph's canvas object.
import type { LGraphCanvas, LGraphNode } from "./litegraph";
import type { NodeRuntime } from "./runtime";
import type { Palette } from "./theme";
import type { ChangeKind, FileRef, GraphServices, NodeInfo } from "./types";

export interface Surface {
  readonly services: GraphServices;
  readonly overlay: HTMLElement;
  readonly palette: Palette;
  readonly readOnly: boolean;
  changed(kind: ChangeKind): void;
  /** Overlay coordinates of a point in graph space. */
  toOverlay(x: number, y: number): { x: number; y: number };
  scale(): number;
  focus(): void;
  redraw(): void;
  runtimeOf(node: LGraphNode): NodeRuntime | undefined;
  infoOf(type: string): NodeInfo | undefined;
  editing(on: boolean): void;
  openImages(images: FileRef[], index: number): void;
}

const surfaces = new WeakMap<object, Surface>();
let active: Surface | null = null;

export function setSurface(canvas: LGraphCanvas, surface: Surface | null): void {
  if (surface) surfaces.set(canvas, surface);
  else surfaces.delete(canvas);
  active = surface;
}

export function surfaceOf(canvas: LGraphCanvas | null | undefined): Surface | null {
  return (canvas && surfaces.get(canvas)) || active;
}

export function activeSurface(): Surface | null {
  return active;
}

// Widgets that are DOM elements over the canvas, shaped as packs know them from `node.addDOMWidget`.
import { BaseWidget, type LGraphCanvas, LGraphNode } from "./litegraph";
import { activeSurface } from "./surface";
import type { AnyWidget } from "./widget-classes";

export interface DomWidgetOptions {
  getValue?: () => unknown;
  setValue?: (value: unknown) => void;
  getMinHeight?: () => number;
  getMaxHeight?: () => number;
  /** A number of pixels or a share of the node ("50%"). */
  getHeight?: () => number | string;
  hideOnZoom?: boolean;
  serialize?: boolean;
  margin?: number;
  onDraw?: (widget: DomWidget) => void;
  onHide?: (widget: DomWidget) => void;
  beforeResize?: (node: LGraphNode) => void;
  afterResize?: (node: LGraphNode) => void;
  /** Makes the same widget for another node: how a widget is promoted to a subgraph instance. */
  copyFor?: (node: LGraphNode, name: string) => AnyWidget;
  [key: string]: unknown;
}

export class DomWidget extends BaseWidget<AnyWidget> {
  declare element: HTMLElement;
  declare private held: unknown;

  override get value(): AnyWidget {
    const { getValue } = this.options as DomWidgetOptions;
    return (getValue ? getValue() : this.held) ?? ""; // packs read members of it without asking
  }

  override set value(value: AnyWidget) {
    const { setValue } = this.options as DomWidgetOptions;
    this.held = value;
    setValue?.(value);
    (this as AnyWidget).callback?.(value);
  }

  override computeLayoutSize(node: LGraphNode): { minHeight: number; maxHeight?: number; minWidth: number } {
    const { getMinHeight, getMaxHeight, getHeight } = this.options as DomWidgetOptions;
    let minHeight = getMinHeight?.() ?? 50;
    const height = getHeight?.();
    if (typeof height === "number") minHeight = Math.max(minHeight, height);
    else if (typeof height === "string" && height.endsWith("%")) minHeight = Math.max(minHeight, (parseFloat(height) / 100) * node.size[1]);
    const maxHeight = getMaxHeight?.();
    return { minHeight, maxHeight: typeof maxHeight === "number" && maxHeight >= minHeight ? maxHeight : undefined, minWidth: 0 };
  }

  /** Zoomed out or behind: a quiet box where the element would be. */
  override drawWidget(): void {}

  draw(): void {}

  onClick(): void {}

  override createCopyForNode(node: LGraphNode): this {
    const { copyFor } = this.options as DomWidgetOptions;
    const copy = copyFor?.(node, this.name);
    if (copy) {
      copy.value = this.value;
      return copy;
    }
    // a pack's element cannot be in two places: the instance shows its value as text
    return new BaseWidgetText({ name: this.name, type: "text", value: this.value, options: {}, y: 0 } as never, node) as never;
  }

  onRemove(): void {
    this.element.remove();
  }
}

import { TextWidget as BaseWidgetText } from "./litegraph";

/** Gives every node `addDOMWidget`. Idempotent. */
export function setUpDomWidgets(): void {
  const prototype = LGraphNode.prototype as AnyWidget;
  if (prototype.addDOMWidget) return;
  prototype.addDOMWidget = function (this: LGraphNode, name: string, type: string, element: HTMLElement, options: DomWidgetOptions = {}) {
    const widget = addDomWidget(this, name, type, element, options);
    const before = this.onRemoved;
    this.onRemoved = function (...args) {
      before?.apply(this, args);
      widget.onRemove();
    };
    return widget;
  };
}

export function addDomWidget(node: LGraphNode, name: string, type: string, element: HTMLElement, options: DomWidgetOptions): DomWidget {
  const widget = new DomWidget({ name, type, element, options: { hideOnZoom: true, ...options }, y: 0 } as AnyWidget, node);
  if (options.serialize === false) widget.serialize = false;
  node.addCustomWidget(widget as AnyWidget);
  return widget;
}

/** Places the elements of the visible nodes after every frame. */
export class DomLayer {
  readonly #shown = new Map<DomWidget, LGraphNode>();

  constructor(readonly root: HTMLElement, readonly canvas: LGraphCanvas) {}

  update(): void {
    const { canvas } = this;
    const nodes = canvas.visible_nodes;
    const small = canvas.low_quality;
    const now = new Map<DomWidget, LGraphNode>();
    nodes.forEach((node, order) => {
      if (node.flags.collapsed || !node.widgets) return;
      for (const widget of node.widgets as unknown[]) {
        if (!(widget instanceof DomWidget) || !node.isWidgetVisible(widget as AnyWidget)) continue;
        const options = widget.options as DomWidgetOptions;
        if (small && options.hideOnZoom !== false) continue;
        now.set(widget, node);
        this.#place(widget, node, nodes, order);
        options.onDraw?.(widget);
      }
    });
    for (const [widget, node] of this.#shown) {
      if (now.has(widget)) continue;
      if (node.graph && node.widgets?.includes(widget as AnyWidget)) {
        widget.element.classList.add("cn-hidden");
        (widget.options as DomWidgetOptions).onHide?.(widget);
      } else widget.element.remove();
    }
    this.#shown.clear();
    for (const [widget, node] of now) this.#shown.set(widget, node);
  }

  clear(): void {
    this.root.replaceChildren();
    this.#shown.clear();
  }

  #place(widget: DomWidget, node: LGraphNode, nodes: LGraphNode[], order: number): void {
    const { element } = widget;
    const { ds } = this.canvas;
    const margin = (widget.options as DomWidgetOptions).margin ?? 15;
    const box = {
      x: node.pos[0] + margin, y: node.pos[1] + widget.y + 2, w: Math.max((widget.width ?? node.size[0]) - margin * 2, 1),
      h: Math.max((widget.computedHeight ?? 50) - 4, 1),
    };
    if (element.parentElement !== this.root) this.root.append(element);
    element.classList.remove("cn-hidden");
    const scale = ds.scale;
    setStyle(element, "transform", `translate(${((box.x + ds.offset[0]) * scale).toFixed(2)}px, ${((box.y + ds.offset[1]) * scale).toFixed(2)}px) scale(${scale})`);
    setStyle(element, "width", `${box.w}px`);
    setStyle(element, "height", `${box.h}px`);
    setStyle(element, "zIndex", String(order));
    setStyle(element, "clipPath", coverClip(box, nodes, order));
    const refused = activeSurface()?.runtimeOf(node)?.error?.inputs.includes(widget.name);
    element.classList.toggle("cn-refused", !!refused);
    const dim = node.mode === 2 || node.mode === 4 ? "0.45" : widget.computedDisabled ? "0.55" : "";
    setStyle(element, "opacity", dim);
    widget.computedDisabled = widget.disabled || node.getSlotFromWidget(widget as AnyWidget)?.link != null;
    if ("readOnly" in element) (element as HTMLTextAreaElement).readOnly = !!widget.computedDisabled || this.canvas.read_only;
  }
}

function setStyle(element: HTMLElement, name: "transform" | "width" | "height" | "zIndex" | "clipPath" | "opacity", value: string): void {
  const style = element.style as unknown as Record<string, string>;
  const cache = ((element as AnyWidget)._cnStyle ??= {}) as Record<string, string>;
  if (cache[name] === value) return;
  cache[name] = value;
  style[name] = value;
}

/** Cuts out what nodes in front of it cover. */
function coverClip(box: { x: number; y: number; w: number; h: number }, nodes: LGraphNode[], order: number): string {
  let holes = "";
  for (let i = order + 1; i < nodes.length; i++) {
    const [nx, ny, nw, nh] = nodes[i]!.boundingRect as unknown as [number, number, number, number];
    const left = Math.max(nx - box.x, -2);
    const top = Math.max(ny - box.y, -2);
    const right = Math.min(nx + nw - box.x, box.w + 2);
    const bottom = Math.min(ny + nh - box.y, box.h + 2);
    if (right <= left || bottom <= top || right <= 0 || bottom <= 0) continue;
    holes += `M${left.toFixed(1)} ${top.toFixed(1)}V${bottom.toFixed(1)}H${right.toFixed(1)}V${top.toFixed(1)}Z`;
  }
  // nonzero winding: the holes run the other way round, so overlapping ones stay holes
  return holes ? `path(nonzero, "M-2 -2H${box.w + 2}V${box.h + 2}H-2Z${holes}")` : "";
}

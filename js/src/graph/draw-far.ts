// The graph from afar: boxes with their title, state and picture, and straight links.
import { fitText, useFont } from "../widgets/text";
import { type LGraphCanvas, type LGraphNode, LiteGraph } from "./litegraph";
import { BYPASSED, looks, MUTED, TITLE } from "./node-looks";
import { COMPARE_WIDGET, IMAGE_WIDGET } from "./preview-widgets";
import type { NodeRuntime } from "./runtime";
import { type Palette, typeColor } from "./theme";
import type { AnyWidget } from "./widget-classes";

/** Far away: a box with its title bar, its states, and the picture it shows. */
export function drawSmall(canvas: LGraphCanvas, node: LGraphNode, ctx: CanvasRenderingContext2D, palette: Palette, runtime?: NodeRuntime): void {
  const bounds = node.boundingRect as unknown as [number, number, number, number];
  const x = bounds[0] - node.pos[0];
  const y = bounds[1] - node.pos[1];
  const w = bounds[2];
  const h = bounds[3];
  const look = looks(node, palette);
  ctx.globalAlpha = node.mode === MUTED ? 0.4 : node.mode === BYPASSED ? 0.55 : 1;
  ctx.fillStyle = look.body;
  ctx.fillRect(x, y, w, h);
  const titled = node.title_mode !== 1 && node.title_mode !== 2;
  if (titled) {
    ctx.fillStyle = look.title;
    ctx.fillRect(x, y, w, TITLE);
  }
  const thin = 1 / canvas.ds.scale;
  const edge = runtime?.error ? palette.error : runtime?.running ? palette.running : node.selected ? palette.accent : palette.nodeBorder;
  const strong = edge !== palette.nodeBorder;
  ctx.strokeStyle = edge;
  ctx.lineWidth = strong ? 2.5 * thin : thin;
  ctx.strokeRect(x, y, w, h);
  if (runtime?.running && runtime.progress && runtime.progress.max > 0) {
    ctx.fillStyle = palette.running;
    ctx.fillRect(x, y + TITLE - 8, w * (runtime.progress.value / runtime.progress.max), 8);
  }
  // a large title stays readable as long as few nodes are in view
  if (titled && canvas.visible_nodes.length < 160) {
    const size = Math.min(TITLE - 6, 10.5 / canvas.ds.scale);
    if (size * canvas.ds.scale >= 7) {
      ctx.fillStyle = palette.title;
      useFont(ctx, `600 ${size}px ${palette.font}`);
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      ctx.fillText(fitText(ctx, String(node.getTitle() ?? ""), w - 16), x + 8, y + TITLE / 2);
      ctx.textBaseline = "alphabetic";
    }
  }
  if (!node.flags.collapsed && node.widgets) {
    const preview = (node.widgets as AnyWidget[]).find((widget) => widget.name === IMAGE_WIDGET || widget.name === COMPARE_WIDGET);
    if (preview) {
      if (preview.computedHeight === undefined) {
        node._setConcreteSlots();
        node.arrange();
      }
      preview.drawWidget(ctx, { width: node.size[0], showText: false });
    }
  }
  ctx.globalAlpha = 1;
}

/** Straight links, one stroke for each colour. */
export function drawLinksFast(canvas: LGraphCanvas, ctx: CanvasRenderingContext2D, palette: Palette): void {
  canvas.renderedPaths.clear();
  const { graph } = canvas;
  if (!graph || canvas.links_render_mode < 0) return;
  const area = canvas.visible_area as unknown as [number, number, number, number];
  const left = area[0] - 20;
  const top = area[1] - 20;
  const right = left + area[2] + 40;
  const bottom = top + area[3] + 40;
  const lines = new Map<string, number[]>();
  const slotHeight = LiteGraph.NODE_SLOT_HEIGHT;
  const byId = graph._nodes_by_id;
  const put = (type: unknown, ax: number, ay: number, bx: number, by: number): void => {
    if ((ax < left && bx < left) || (ax > right && bx > right) || (ay < top && by < top) || (ay > bottom && by > bottom)) return;
    const color = typeColor(type, palette);
    let list = lines.get(color);
    if (!list) lines.set(color, (list = []));
    list.push(ax, ay, bx, by);
  };
  for (const link of graph._links.values()) {
    const from = byId[link.origin_id];
    const to = byId[link.target_id];
    if (!from || !to) continue;
    const fromClosed = from.flags.collapsed;
    const ax = from.pos[0] + (fromClosed ? (from._collapsed_width ?? 80) : from.size[0] - 8);
    const ay = from.pos[1] + (fromClosed ? -TITLE / 2 : (link.origin_slot + 0.7) * slotHeight);
    const input = to.inputs[link.target_slot];
    const bx = to.pos[0] + (to.flags.collapsed ? 0 : 10);
    const by = to.pos[1] + (to.flags.collapsed ? -TITLE / 2 : (input?.pos?.[1] ?? (link.target_slot + 0.7) * slotHeight));
    let x = ax;
    let y = ay;
    if (link.parentId !== undefined) {
      const points: { pos: ArrayLike<number> }[] = [];
      for (let reroute = graph.getReroute(link.parentId), n = 0; reroute && n < 200; reroute = graph.getReroute(reroute.parentId as never), n++) points.unshift(reroute);
      for (const { pos } of points) {
        put(link.type, x, y, pos[0] as number, pos[1] as number);
        x = pos[0] as number;
        y = pos[1] as number;
      }
    }
    put(link.type, x, y, bx, by);
  }
  ctx.lineWidth = Math.max(canvas.connections_width * 0.8, 1.1 / canvas.ds.scale);
  ctx.globalAlpha = 0.85;
  for (const [color, list] of lines) {
    ctx.strokeStyle = color;
    ctx.beginPath();
    for (let i = 0; i < list.length; i += 4) {
      ctx.moveTo(list[i] as number, list[i + 1] as number);
      ctx.lineTo(list[i + 2] as number, list[i + 3] as number);
    }
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

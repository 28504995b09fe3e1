// Keeps litegraph from looking at what is far outside the window: it asks every node and every link in every frame.
import { replaceMethod } from "./canvas-methods";
import type { LGraph, LGraphCanvas, LGraphNode, Subgraph } from "./litegraph";

/** How far parts of a node reach beyond its rectangle: title, outlines, packs' drawing. */
const REACH = 120;

export function limitToVisible(canvas: LGraphCanvas): void {
  replaceMethod(canvas, "computeVisibleNodes", (all) => (nodes, out) => {
    const graph = canvas.graph;
    if (nodes || !graph) return all(nodes, out);
    return all(graph._nodes.filter((node) => near(node, canvas.visible_area) || hasMoved(node)), out);
  });
  replaceMethod(canvas, "drawConnections", (drawConnections) => (ctx) => {
    const { graph } = canvas;
    if (!graph) return;
    const nodes = graph._nodes;
    graph._nodes = targetsOfVisibleLinks(graph, canvas.visible_area);
    try {
      drawConnections(ctx);
    } finally {
      graph._nodes = nodes;
    }
  });
}

function near({ pos, size }: LGraphNode, area: ArrayLike<number>): boolean {
  const [x, y, w, h] = [area[0] as number, area[1] as number, area[2] as number, area[3] as number];
  return pos[0] < x + w + REACH && pos[0] + size[0] > x - REACH && pos[1] < y + h + REACH && pos[1] + size[1] > y - REACH;
}

/** litegraph's rectangle of the node is no longer where the node is (collapsed ones are always asked). */
function hasMoved({ pos, size, boundingRect }: LGraphNode): boolean {
  const [x, y, w, h] = boundingRect as unknown as [number, number, number, number];
  return x !== pos[0] || w !== size[0] || y + h !== pos[1] + size[1];
}

/** litegraph draws links from the side of their target: the nodes with an incoming link that may cross the area. */
function targetsOfVisibleLinks(graph: LGraph | Subgraph, area: ArrayLike<number>): LGraphNode[] {
  const [left, top] = [(area[0] as number) - REACH, (area[1] as number) - REACH];
  const [right, bottom] = [left + (area[2] as number) + REACH * 2, top + (area[3] as number) + REACH * 2];
  const byId = graph._nodes_by_id;
  const targets = new Set<LGraphNode>();
  for (const link of graph._links.values()) {
    const to = byId[link.target_id];
    if (!to) continue;
    const from = byId[link.origin_id];
    if (!from || link.parentId !== undefined) {
      targets.add(to);
      continue;
    }
    const fx = from.pos[0] + from.size[0];
    const [fy, tx, ty] = [from.pos[1], to.pos[0], to.pos[1]];
    // curves swing out sideways by a quarter of their length
    const swing = (Math.abs(fx - tx) + Math.abs(fy - ty)) / 4;
    if ((fx < tx ? fx : tx) - swing > right || (fx > tx ? fx : tx) + swing < left) continue;
    if ((fy < ty ? fy : ty) - REACH > bottom || Math.max(fy + from.size[1], ty + to.size[1]) < top) continue;
    targets.add(to);
  }
  return [...targets];
}

export const COLOURS = {
  red: { color: "#733", bgcolor: "#533" },
  green: { color: "#373", bgcolor: "#353" },
  blue: { color: "#337", bgcolor: "#335" },
};

export function paint(node, name) {
  node.color = COLOURS[name]?.color;
  node.bgcolor = COLOURS[name]?.bgcolor;
  node.setDirtyCanvas(true, true);
}

/** Paint a node green and everything upstream of it blue. */
export function paintAll(graph, last) {
  const waiting = [last];
  const seen = new Set(waiting);
  while (waiting.length) {
    const node = waiting.pop();
    paint(node, node === last ? "green" : "blue");
    for (const input of node.inputs ?? []) {
      const link = input.link == null ? null : graph.links[input.link];
      const source = link && graph.getNodeById(link.origin_id);
      if (source && !seen.has(source)) {
        seen.add(source);
        waiting.push(source);
      }
    }
  }
}

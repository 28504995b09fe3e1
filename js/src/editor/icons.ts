// The editor's icons: 16 × 16, one stroke width, drawn in the text colour.

const SHAPES = {
  play: "M5 3.2v9.6l7.6-4.8z",
  stop: "M4.5 4.5h7v7h-7z",
  undo: "M6 3.5 3 6.5l3 3M3.2 6.5h6a3.3 3.3 0 0 1 0 6.6H6.5",
  redo: "m10 3.5 3 3-3 3m2.8-3h-6a3.3 3.3 0 0 0 0 6.6h2.7",
  open: "M2 12.5v-9h4l1.5 2H14v7z",
  save: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.2h11",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  expand: "M9.5 2.5h4v4M13.3 2.7 9 7M6.5 13.5h-4v-4M2.7 13.3 7 9",
  shrink: "M13.5 6.5h-4v-4M9.7 6.3 14 2M2.5 9.5h4v4M6.3 9.7 2 14",
  search: "M7 11.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zm3.3-1.2 3.4 3.4",
  more: "M3.2 8h.01M8 8h.01M12.8 8h.01",
  down: "m4.5 6.5 3.5 3.5 3.5-3.5",
  left: "m9.8 3.5-4.5 4.5 4.5 4.5",
  right: "m6.2 3.5 4.5 4.5-4.5 4.5",
  close: "m4 4 8 8m0-8-8 8",
  check: "m3.5 8.5 3 3 6-7",
  warning: "M8 2.8 14.2 13.2H1.8zM8 6.6v3M8 11.4h.01",
  info: "M8 14A6 6 0 1 1 8 2a6 6 0 0 1 0 12zm0-6.5V11M8 5h.01",
  settings: "M2.5 4.5h6m3.5 0h1.5M2.5 11.5h1.5m3.5 0h6M10.2 6.3a1.8 1.8 0 1 1 0-3.6 1.8 1.8 0 0 1 0 3.6zM5.8 13.3a1.8 1.8 0 1 1 0-3.6 1.8 1.8 0 0 1 0 3.6z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8",
  external: "M7 3H3v10h10V9M9.5 2.5h4v4M13.2 2.8 7.5 8.5",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  puzzle: "M6.2 4V3.4a1.6 1.6 0 0 1 3.2 0V4h3v3.1h-.5a1.6 1.6 0 0 0 0 3.2h.5v3.2H3V10.3h.6a1.6 1.6 0 0 0 0-3.2H3V4z",
  panel: "M2.5 3h11v10h-11zM2.5 9.5h11",
  mask: "M2.5 2.5h11v11h-11zM8 11.2a3.2 3.2 0 1 1 0-6.4 3.2 3.2 0 0 1 0 6.4z",
  brush: "M13.5 2.5 8.2 7.8M6.3 8.1c1.5 0 2.4.9 2.4 2.2 0 2-1.9 3.2-4.1 3.2-.9 0-1.7-.3-2.3-.8 1-.4 1.2-1 1.4-2 .3-1.6 1.2-2.6 2.6-2.6z",
  eraser: "M9.3 3.2 2.7 9.8a1.2 1.2 0 0 0 0 1.7l1.9 1.9h3.2l5.7-5.7a1.2 1.2 0 0 0 0-1.7L11 3.2a1.2 1.2 0 0 0-1.7 0zM6.2 6.3l4.4 4.4M7.8 13.4h5.7",
  marquee: "M2.5 5V3.5a1 1 0 0 1 1-1H5M7 2.5h2M11 2.5h1.5a1 1 0 0 1 1 1V5M13.5 7v2M13.5 11v1.5a1 1 0 0 1-1 1H11M9 13.5H7M5 13.5H3.5a1 1 0 0 1-1-1V11M2.5 9V7",
  lasso: "M8 9.6c-3.2 0-5.7-1.5-5.7-3.5S4.8 2.6 8 2.6s5.7 1.5 5.7 3.5S11.2 9.6 8 9.6zM4.8 9.1c-1.2.3-1.7 1.2-1.1 1.9.6.8 2 .4 1.9-.6 0-.5-.3-.9-.8-1.3zM3.9 11.3c.1 1-.3 1.7-1.1 2.2",
  bucket: "M6.3 2.6 12 8.3l-4.7 4.7a1 1 0 0 1-1.4 0L2.3 9.4a1 1 0 0 1 0-1.4l5.2-5.2M2.3 8.7h9.5M13.7 10.6c.7 1 1 1.5 1 2a1 1 0 0 1-2 0c0-.5.3-1 1-2z",
  invert: "M8 14A6 6 0 1 1 8 2a6 6 0 0 1 0 12zM8 2v12M8 5h5M8 8h6M8 11h5",
  trash: "M3 4.5h10M6.2 4.5V2.8h3.6v1.7M4.2 4.5l.6 8.7h6.4l.6-8.7M6.8 7v3.7M9.2 7v3.7",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
} as const;

export type IconName = keyof typeof SHAPES;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const attributes = { viewBox: "0 0 16 16", width: "16", height: "16", class: `cn-icon cn-icon-${name}`, "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

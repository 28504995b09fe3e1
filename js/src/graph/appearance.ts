// Takes a palette and view options into litegraph's many colour fields.
import { paletteVariables } from "./styles";
import { LGraphCanvas, LiteGraph } from "./litegraph";
import { type Palette, typeColor, typeColors } from "./theme";
import type { ViewOptions } from "./types";

export const DEFAULT_OPTIONS: Readonly<Required<ViewOptions>> = {
  linkMode: "spline", snapToGrid: false, gridSize: 10, wheel: "zoom", controlMode: "after", showIds: false, linkMarkers: true,
};

export function applyPalette(root: HTMLElement, canvas: LGraphCanvas, palette: Palette): void {
  for (const [name, value] of Object.entries(paletteVariables(palette))) root.style.setProperty(name, value);
  root.style.colorScheme = palette.dark ? "dark" : "light";
  Object.assign(LiteGraph, {
    NODE_TITLE_COLOR: palette.title, NODE_SELECTED_TITLE_COLOR: palette.title, NODE_TEXT_COLOR: palette.text,
    NODE_TEXT_HIGHLIGHT_COLOR: palette.title, NODE_DEFAULT_COLOR: palette.nodeTitle, NODE_DEFAULT_BGCOLOR: palette.node,
    NODE_DEFAULT_BOXCOLOR: palette.textDim, NODE_BOX_OUTLINE_COLOR: palette.accent, NODE_ERROR_COLOUR: palette.error, NODE_FONT: palette.font,
    DEFAULT_FONT: palette.font, GROUP_FONT: palette.font, WIDGET_BGCOLOR: palette.field, WIDGET_OUTLINE_COLOR: palette.fieldBorder,
    WIDGET_TEXT_COLOR: palette.fieldText, WIDGET_SECONDARY_TEXT_COLOR: palette.fieldLabel, WIDGET_DISABLED_TEXT_COLOR: palette.textDim,
    LINK_COLOR: palette.textDim, CONNECTING_LINK_COLOR: palette.accent, DEFAULT_SHADOW_COLOR: palette.shadow,
  });
  canvas.node_title_color = palette.title;
  canvas.default_link_color = typeColor("*", palette);
  canvas.default_connection_color = {
    input_off: palette.textDim, input_on: palette.text, output_off: palette.textDim, output_on: palette.text,
  };
  const color = (type: unknown): string => typeColor(type, palette);
  canvas.colourGetter = { getConnectedColor: color, getDisconnectedColor: color } as typeof canvas.colourGetter;
  // any type gets a colour, known or not
  LGraphCanvas.link_type_colors = new Proxy<Record<string, string>>(typeColors(palette), {
    get: (known, type) => (typeof type === "string" ? (known[type] ?? typeColor(type, palette)) : undefined),
  });
}

export function applyOptions(canvas: LGraphCanvas, options: Required<ViewOptions>): void {
  canvas.links_render_mode = { spline: 2, linear: 1, straight: 0, hidden: -1 }[options.linkMode];
  canvas.linkMarkerShape = options.linkMarkers ? 1 : 0;
  LiteGraph.alwaysSnapToGrid = options.snapToGrid;
  LiteGraph.CANVAS_GRID_SIZE = options.gridSize;
  LiteGraph.canvasNavigationMode = options.wheel === "pan" ? "standard" : "legacy";
}

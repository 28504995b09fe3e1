// Colours of a node by its state, and the numbers that all drawing of nodes shares.
import type { LGraphNode } from "./litegraph";
import { UnknownNode } from "./defined-node";
import { adaptColor, type Palette } from "./theme";

export const TITLE = 30;
/** Below this zoom text cannot be read: boxes and straight links are drawn instead. */
export const LOW_QUALITY = 0.45;
export const MUTED = 2;
export const BYPASSED = 4;

export interface Looks {
  body: string;
  title: string;
  text: string;
}

export function looks(node: LGraphNode, palette: Palette): Looks {
  const unknown = node instanceof UnknownNode;
  let body = node.bgcolor ? adaptColor(node.bgcolor, palette, "body") : unknown ? palette.unknown : palette.node;
  let title = node.color ? adaptColor(node.color, palette, "title") : unknown ? palette.unknown : palette.nodeTitle;
  if (node.mode === BYPASSED) body = title = palette.bypass;
  return { body, title, text: palette.title };
}

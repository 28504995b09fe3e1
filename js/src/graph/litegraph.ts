// The only import of litegraph, set up for this editor: its traps closed once for the realm.
import * as module from "@comfyorg/litegraph";
import { typesFit } from "./definitions";
import { NODE_COLORS } from "./theme";

export {
  BaseWidget, BooleanWidget, ButtonWidget, ComboWidget, KnobWidget, LabelPosition, LGraph, LGraphCanvas, LGraphGroup, LGraphNode, LLink, LiteGraph,
  NumberWidget, Reroute, SliderWidget, Subgraph, SubgraphNode, TextWidget,
} from "@comfyorg/litegraph";
export type { CanvasPointerEvent, IWidget, LinkConnector } from "@comfyorg/litegraph";
export const litegraphModule: Record<string, unknown> = module;

const { LiteGraph, LGraphCanvas, ContextMenu } = module;
let ready = false;

/** Idempotent. */
export function setUpLitegraph(): void {
  if (ready) return;
  ready = true;
  LiteGraph.isValidConnection = typesFit;
  LiteGraph.alt_drag_do_clone_nodes = true;
  LiteGraph.ctrl_shift_v_paste_connect_unselected_outputs = true;
  LiteGraph.do_add_triggers_slots = false;
  LiteGraph.catch_exceptions = true;
  LiteGraph.canvasNavigationMode = "legacy";
  LiteGraph.NODE_WIDGET_HEIGHT = 22;
  LiteGraph.NODE_TEXT_SIZE = 13;
  LiteGraph.NODE_SUBTEXT_SIZE = 12;
  LiteGraph.NODE_WIDTH = 150;
  LiteGraph.ROUND_RADIUS = 8;
  LiteGraph.NODE_DEFAULT_SHAPE = 2 as never;
  LiteGraph.DEFAULT_GROUP_FONT = 18;
  LiteGraph.DEFAULT_GROUP_FONT_SIZE = 18;
  LiteGraph.release_link_on_empty_shows_menu = false;
  LiteGraph.middle_click_slot_add_default_node = false;
  LiteGraph.saveViewportWithGraph = true;
  LGraphCanvas.node_colors = { ...NODE_COLORS };
  // packs call ContextMenu as an ES5 function ("ContextMenu.call(this, …)"); a class refuses that
  const callable = function (values: never, options: never): unknown {
    return new ContextMenu(values, options);
  };
  callable.prototype = ContextMenu.prototype;
  Object.setPrototypeOf(callable, ContextMenu);
  (LiteGraph as unknown as Record<string, unknown>).ContextMenu = callable;
  stockMenu = callable;
}

let stockMenu: unknown;
const stockAddItem = ContextMenu.prototype.addItem;

/** Packs put a menu of their own in place of litegraph's, or changed how it makes its entries: lists are theirs to show. */
export function menuIsReplaced(): boolean {
  return (LiteGraph.ContextMenu as unknown) !== stockMenu || ContextMenu.prototype.addItem !== stockAddItem;
}

/** Outlines that packs ask for. */
export function strokeShapeOf(ctx: CanvasRenderingContext2D, area: [number, number, number, number], options: object): void {
  module.strokeShape(ctx, area as never, options as never);
}

// What packs find in their window: litegraph's classes and the app by name, and `comfyAPI` behind the modules they import.
import { ANIM_PREVIEW_WIDGET, ComfyApp } from "./app";
import { ComfyApi, PromptExecutionError } from "./api";
import { coreModules } from "./core-modules";
import { metadataExports } from "./metadata";
import { publish } from "./modules";
import { helperExports } from "./page-helpers";
import type { EditorPorts } from "./ports";
import type { RawGraph } from "./types";
import { uiExports } from "./ui";
import { addValueControlWidget, addValueControlWidgets, ComfyWidgets, IS_CONTROL_WIDGET, isValidWidgetType, updateControlWidgetLabel } from "./widgets";

const CLASSES = ["LGraph", "LGraphNode", "LGraphCanvas", "LGraphGroup", "LGraphBadge", "LLink", "DragAndScale", "Reroute", "Subgraph", "SubgraphNode"];

/** Returns how to take the names away again. */
export function exposeGlobals(window: Window & typeof globalThis, app: ComfyApp, api: ComfyApi, editor: EditorPorts): () => void {
  const { LiteGraph, module } = editor.view.raw as RawGraph;
  const globals: Record<string, unknown> = { LiteGraph, app, ContextMenu: LiteGraph.ContextMenu };
  for (const name of CLASSES) if (module[name]) globals[name] = module[name];
  Object.assign(window, globals);
  LiteGraph.vueNodesMode = false;
  // every widget has a socket already
  module.LGraphNode.prototype.convertWidgetToInput ??= () => false;
  publish(window, {
    ...uiExports,
    ...coreModules(),
    ...metadataExports,
    app: { app, ComfyApp, ANIM_PREVIEW_WIDGET },
    api: { api, ComfyApi, PromptExecutionError },
    widgets: { ComfyWidgets, addValueControlWidget, addValueControlWidgets, updateControlWidgetLabel, IS_CONTROL_WIDGET, isValidWidgetType },
  });
  publish(window, { utils: helperExports }); // beside those that `ui/utils.js` brings
  return () => {
    for (const name of [...Object.keys(globals), "comfyAPI"]) delete (window as unknown as Record<string, unknown>)[name];
  };
}

// What happens to values when a run is queued: controls move them on, and some exist only in the browser.
import { runControls, runValue } from "./build-widgets";
import type { ViewCore } from "./core";
import { type LGraph, type LGraphNode, SubgraphNode } from "./litegraph";
import { packHooks } from "./pack-hooks";
import { packValue } from "./pack-widgets";
import type { AnyWidget } from "./widget-classes";

const DEEPEST = 32;

/** Before or after a run was queued. */
export function queueing(core: ViewCore, moment: "before" | "after"): void {
  const hook = `${moment}Queued`;
  let changed = false;
  for (const node of core.allNodes()) {
    for (const widget of (node.widgets ?? []) as AnyWidget[]) {
      try {
        widget[hook]?.({ isPartialExecution: false });
      } catch (error) {
        const hooks = packHooks();
        if (hooks) hooks.failed(hook, node, error);
        else core.services.notify("warning", `An extension failed on “${widget.name}”: ${String(error)}`);
      }
    }
    if (core.options.controlMode === moment) changed = runControls(node) || changed;
  }
  if (!changed) return;
  core.changed("widget");
  core.redraw();
}

/** By execution id and widget name. */
export async function browserValues(graph: LGraph): Promise<Record<string, Record<string, unknown>>> {
  const out: Record<string, Record<string, unknown>> = {};
  const visit = async (nodes: LGraphNode[], prefix: string, depth: number): Promise<void> => {
    for (const node of nodes) {
      for (const [i, widget] of ((node.widgets ?? []) as AnyWidget[]).entries()) {
        const sent = (await runValue(node, widget, i)) ?? packValue(node, widget);
        if (sent) (out[prefix + node.id] ??= {})[widget.name] = sent.value;
      }
      if (node instanceof SubgraphNode && depth < DEEPEST) await visit(node.subgraph._nodes, `${prefix}${node.id}:`, depth + 1);
    }
  };
  await visit(graph._nodes, "", 0);
  return out;
}

// What a pack gets from `app.graphToPrompt()`: the live graph as a workflow and as an API prompt. What only the browser knows is
// settled here; the kernel does the rest of the conversion.
import type { GraphViewApi, NodeJson, WorkflowJson } from "../graph";
import type { Any, GraphPrompt, Prompt } from "./types";
import { isOfPack, plainJson } from "../graph";
import { applyToGraph, leaveOutVirtual } from "./virtual";

export interface PromptPorts {
  view: Pick<GraphViewApi, "serialize" | "allNodes" | "raw" | "browserValues">;
  convert(document: WorkflowJson, values: Record<string, Record<string, unknown>>): Promise<{ prompt: Prompt; warnings: string[] }>;
  failed(where: string, node: Any, error: unknown): void;
  warn(warnings: string[]): void;
}

/** The graph is read at once, before anything is waited for: packs change it for the moment of this call. */
export async function graphToPrompt(ports: PromptPorts): Promise<GraphPrompt> {
  const { view, failed } = ports;
  applyToGraph(view.allNodes() as Iterable<Any>, (node, error) => failed("applyToGraph", node, error));
  const workflow = view.serialize();
  const document = structuredClone(workflow);
  const { graph } = view.raw as { graph: Any };
  nameValues(document.nodes, graph);
  for (const definition of document.definitions?.subgraphs ?? []) nameValues(definition.nodes ?? [], graph._subgraphs?.get(definition.id));
  leaveOutVirtual(document, graph, (node, error) => failed("getInputLink", node, error));
  const values = await view.browserValues();
  const { prompt, warnings } = await ports.convert(document, values);
  if (warnings.length > 0) ports.warn(warnings);
  return { workflow, output: prompt };
}

/** Values by position are true only for the widgets a definition has; with widgets of packs among them, names tell. */
function nameValues(nodes: NodeJson[], graph: Any): void {
  for (const node of nodes) {
    const live = graph?._nodes_by_id?.[node.id];
    if (live?.constructor?.nodeData && hasPackWidgets(live)) node.widgets_values = valuesByName(live);
  }
}

function hasPackWidgets(node: Any): boolean {
  return node.widgets?.some(isOfPack) || isRearranged(node);
}

function isRearranged(node: Any): boolean {
  const names: string[] = (node.widgets ?? []).filter((widget: Any) => widget.cnPlan).map((widget: Any) => widget.name);
  const planned: string[] = (node.constructor.plan?.widgets ?? []).map((widget: Any) => widget.name);
  const { plan, kernelInputs } = node.constructor;
  if (!plan || plan.dynamic) return false;
  return planned.some((name) => kernelInputs?.has(name) === false) || names.join("\n") !== planned.join("\n");
}

/** Values of the definition's widgets; those of packs' own travel beside the document. */
function valuesByName(node: Any): Record<string, unknown> {
  const planned = (node.widgets ?? []).filter((widget: Any) => widget.cnPlan && widget.options?.serialize !== false);
  return Object.fromEntries(planned.map((widget: Any) => [widget.name, plainJson(widget.value)]));
}

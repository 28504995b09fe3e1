// Widgets that packs made: which they are, and what of them goes into a prompt.
import { ComfyNode } from "./defined-node";
import type { LGraphNode } from "./litegraph";
import { packHooks } from "./pack-hooks";
import type { AnyWidget } from "./widget-classes";

/** Made by a pack beside those of the definition; pictures, controls and buttons of ours are not. */
export function isOfPack(widget: AnyWidget): boolean {
  return !!widget && !widget.cnPlan && !widget.cnControls && !widget.cnOwn && !String(widget.name).startsWith("$$");
}

/** The value of a widget that the kernel cannot read out of the document; null where it can, or where there is none. */
export function packValue(node: LGraphNode, widget: AnyWidget): { value: unknown } | null {
  // packs' own classes for nodes of the kernel build all their widgets themselves; they carry its `nodeData`
  if (!packHooks() || !(node instanceof ComfyNode || (node.constructor as AnyWidget).nodeData)) return null;
  const { kernelInputs } = node.constructor as Partial<typeof ComfyNode>;
  const known = !isOfPack(widget) && (!widget.cnPlan || (widget.cnPlan.kind !== "custom" && (kernelInputs?.has(widget.name) ?? true)));
  if (known || widget.options?.serialize === false || node.getSlotFromWidget(widget)?.link != null) return null;
  const value = plainJson(widget.value);
  return value === undefined || value === null ? null : { value };
}

/** As JSON carries it; undefined where it can not. */
export function plainJson(value: unknown): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

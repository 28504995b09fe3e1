// What a node needs that nobody defined: the pack it came with, or the part of ComfyUI that is not built here.
import table from "../../../comfy_notebook/workflow/missing_nodes.json";

const PARTS = (table as [string, string][]).map(([pattern, needed]) => [new RegExp(pattern), needed] as const);

/** A sentence about where nodes of `type` would come from, as the kernel says it; `properties` are those of the node. */
export function whatItNeeds(type: string, properties: Record<string, unknown> = {}): string {
  const pack = properties.cnr_id || properties.aux_id;
  if (typeof pack === "string" && pack !== "comfy-core") return `It comes with the pack ${pack}.`;
  const needed = PARTS.find(([pattern]) => pattern.test(type))?.[1];
  if (needed) return `It ${pack ? "is" : "seems to be"} a part of ComfyUI that needs ${needed}, and is not built here yet.`;
  return pack ? "It is a part of ComfyUI that is not built here yet." : "No loaded pack defines it.";
}

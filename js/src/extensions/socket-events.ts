// The kernel's messages in the form in which ComfyUI's front end hands them to packs.

import type { HostEvent } from "../host";

type Data = Record<string, unknown>;

/** Events by type with their `detail`, in the order in which they are dispatched. */
export function socketEvents({ type, data, buffers }: HostEvent): [type: string, detail: unknown][] {
  const values = (data ?? {}) as Data;
  switch (type) {
    case "status":
      return [["status", values["status"] ?? null]];
    case "executing":
      return [["executing", values["display_node"] ?? values["node"] ?? null]];
    case "progress_text":
      return [["progress_text", { nodeId: String(values["nodeId"] ?? values["node"] ?? values["node_id"] ?? ""), text: String(values["text"] ?? "") }]];
    case "b_preview_with_metadata":
      return buffers[0] ? previews(values, buffers[0]) : [];
    case "b_preview":
      return buffers[0] ? [["b_preview", new Blob([buffers[0]], { type: String(values["image_type"] ?? "image/jpeg") })]] : [];
    default:
      return [[type, data]];
  }
}

function previews(data: Data, image: ArrayBuffer): [string, unknown][] {
  const blob = new Blob([image], { type: String(data["image_type"] ?? "image/jpeg") });
  const detail = {
    blob,
    nodeId: data["node_id"],
    displayNodeId: data["display_node_id"],
    parentNodeId: data["parent_node_id"],
    realNodeId: data["real_node_id"],
    promptId: data["prompt_id"],
  };
  return [["b_preview_with_metadata", detail], ["b_preview", blob]];
}

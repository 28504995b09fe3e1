// What the kernel and the loading of a document say, as messages.

import type { LoadReport, Severity } from "../graph";
import type { Notice } from "./api";

export type Message = [severity: Severity, summary: string, detail: string];

const SEVERITIES: Record<string, Severity> = { success: "success", warn: "warning", warning: "warning", error: "error" };

export function noticeMessage({ severity = "info", summary = "", detail = "" }: Notice): Message {
  return [SEVERITIES[severity] ?? "info", summary, detail];
}

export function loadMessages({ unknownTypes, warnings }: LoadReport): Message[] {
  const messages: Message[] = [];
  if (unknownTypes.length > 0) {
    const count = unknownTypes.length === 1 ? "1 node type is" : `${unknownTypes.length} node types are`;
    const more = unknownTypes.length > 4 ? ` and ${unknownTypes.length - 4} more` : "";
    messages.push(["warning", `${count} not installed`, `${unknownTypes.length === 1 ? "Kept as it is" : "Kept as they are"}: ${unknownTypes.slice(0, 4).join(", ")}${more}.`]);
  }
  if (warnings.length > 0) messages.push(["warning", "Parts of the workflow could not be taken as they were", warnings.slice(0, 3).join(" ")]);
  return messages;
}

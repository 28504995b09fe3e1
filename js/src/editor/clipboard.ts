// Copy, cut, paste and drop: nodes as text on the system clipboard, images and workflow files into the editor.

import type { GraphViewApi, Point } from "../graph";
import type { Files } from "./files";
import { isTyping } from "./keyboard";

interface ClipboardPorts {
  root: HTMLElement;
  view: GraphViewApi;
  files: Files;
  /** Where the pointer was last seen over the canvas, in client pixels. */
  pointer(): Point;
}

/** A whole workflow (UI or API form), as opposed to copied nodes. */
export function isWorkflowText(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    if (Array.isArray(value.nodes) && Array.isArray(value.links) && "version" in value) return true;
    const nodes = Object.values(value);
    return nodes.length > 0 && nodes.every((node) => typeof (node as { class_type?: unknown } | null)?.class_type === "string");
  } catch {
    return false;
  }
}

export function bindClipboard({ root, view, files, pointer }: ClipboardPorts): () => void {
  const copy = (event: ClipboardEvent) => {
    if (isTyping(event.target) || hasSelection() || !view.copy()) return;
    event.clipboardData?.setData("text/plain", view.clipboardText() ?? "");
    event.preventDefault();
    if (event.type === "cut") view.removeSelected();
  };
  const paste = (event: ClipboardEvent) => {
    if (isTyping(event.target)) return;
    event.preventDefault();
    const image = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/"));
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (image) void files.pastedImage(image, pointer());
    else if (isWorkflowText(text)) void files.open(new File([text], "pasted workflow.json", { type: "application/json" }));
    else view.paste({ pos: view.toGraph(pointer()), ...(text && { text }) });
  };
  let depth = 0;
  const over = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    // VS Code offers its own drop unless the first event is taken.
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (event.type === "dragenter") depth += 1;
    root.classList.add("cn-dropping");
  };
  const leave = () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) root.classList.remove("cn-dropping");
  };
  const drop = (event: DragEvent) => {
    depth = 0;
    root.classList.remove("cn-dropping");
    const file = event.dataTransfer?.files[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    void files.dropped(file, [event.clientX, event.clientY]);
  };
  const listeners: [string, (event: never) => void][] = [
    ["copy", copy], ["cut", copy], ["paste", paste], ["dragenter", over], ["dragover", over], ["dragleave", leave], ["drop", drop],
  ];
  for (const [type, listener] of listeners) root.addEventListener(type, listener as EventListener);
  return () => {
    for (const [type, listener] of listeners) root.removeEventListener(type, listener as EventListener);
  };
}

/** Text of a panel is selected: copying means that text. */
function hasSelection(): boolean {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.toString() !== "";
}

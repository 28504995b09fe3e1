// Asks for the value of a widget in a dialog: how widgets are edited without a pointer.

import type { NodeDescription } from "../graph";
import type { Dialogs } from "./feedback";

/** null when the person cancels. */
export async function askForWidget(dialogs: Dialogs, node: NodeDescription, name: string): Promise<{ value: unknown } | { problem: string } | null> {
  const widget = node.widgets.find((candidate) => candidate.name === name);
  if (!widget) return null;
  const { value: before, options } = widget;
  const choices = typeof before === "boolean" ? ["true", "false"] : options?.map(String);
  const multiline = /multiline|textarea|customtext/.test(widget.type);
  const text = await dialogs.prompt({ title: `${node.title}: ${widget.label || name}`, value: String(before ?? ""), ...(choices && { choices }), multiline });
  if (text === null) return null;
  if (typeof before === "boolean") return { value: text === "true" };
  const option = options?.find((candidate) => String(candidate) === text);
  if (option !== undefined) return { value: option };
  if (typeof before !== "number") return { value: text };
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? { value } : { problem: `“${text}” is not a number` };
}

// The editor's look: the notebook's, or what the person set.

import type { GraphViewApi } from "../graph";
import type { HostTheme } from "../host";
import type { Settings } from "./settings";

export function applyLook(root: HTMLElement, view: GraphViewApi, theme: HostTheme, { theme: choice, ...options }: Settings): void {
  const dark = choice === "notebook" ? theme.dark : choice === "dark";
  root.dataset.theme = dark ? "dark" : "light";
  for (const [name, value] of Object.entries(theme.variables)) if (name.startsWith("--")) root.style.setProperty(name, value);
  view.setTheme({ ...theme, dark });
  view.setOptions(options);
}

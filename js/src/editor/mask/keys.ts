// The keys of the mask editor. None of them, nothing that is pasted and no dropped file goes on to the editor or the notebook around it.

import { comboOf, isControl, isTyping } from "../keyboard";
import type { Controls } from "./controls";
import { TOOLS, type ToolSettings } from "./tools";

export interface KeyPorts {
  settings: ToolSettings;
  controls: Controls;
  resize(larger: boolean): void;
  /** Space is held, or no more. */
  holding(on: boolean): void;
  escape(): void;
}

const HARDER = 0.1;

export function bindMaskKeys(dialog: HTMLElement, { settings, controls, resize, holding, escape }: KeyPorts): void {
  const { undo, redo, clear, invert, zoom, fit, save, changed } = controls.actions;
  const harder = (by: number) => {
    settings.hardness = Math.min(1, Math.max(0, settings.hardness + by));
    changed();
  };
  const always: Record<string, () => void> = { escape, "ctrl+s": save, "ctrl+enter": save };
  const drawing: Record<string, () => void> = {
    "ctrl+z": undo, "ctrl+shift+z": redo, "ctrl+y": redo, delete: clear, backspace: clear, i: invert,
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(1 / 1.25), ".": fit, "0": fit,
    ...Object.fromEntries(TOOLS.map(({ id, key }) => [key, () => {
      settings.tool = id;
      changed();
    }])),
  };
  // by what they write: on some keyboards these take AltGr
  const written: Record<string, () => void> = { "[": () => resize(false), "]": () => resize(true), "{": () => harder(-HARDER), "}": () => harder(HARDER) };

  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    const combo = comboOf(event) ?? "";
    const typing = isTyping(event.target);
    const action = always[combo] ?? (typing ? undefined : (written[event.key] ?? drawing[combo]));
    const holds = combo === "space" && !typing && !isControl(event.target);
    if (holds) holding(true);
    if (!action && !holds) return;
    event.preventDefault();
    action?.();
  });
  dialog.addEventListener("keyup", (event) => {
    event.stopPropagation();
    if (event.key === " ") holding(false);
  });
  for (const type of ["keypress", "copy", "cut", "paste"]) dialog.addEventListener(type, (event) => event.stopPropagation());
  for (const type of ["dragenter", "dragover", "drop"]) dialog.addEventListener(type, refuse); // files go into the graph, which is behind
  dialog.addEventListener("focusout", () => holding(false));
}

function refuse(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
  if (event instanceof DragEvent && event.dataTransfer) event.dataTransfer.dropEffect = "none";
}

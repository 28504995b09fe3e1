// What a person draws with, kept from one picture to the next.

import type { IconName } from "../icons";

export type Tool = "brush" | "eraser" | "rectangle" | "lasso" | "fill";

export const TOOLS: readonly { id: Tool; label: string; key: string; icon: IconName }[] = [
  { id: "brush", label: "Brush", key: "b", icon: "brush" },
  { id: "eraser", label: "Eraser", key: "e", icon: "eraser" },
  { id: "rectangle", label: "Rectangle", key: "r", icon: "marquee" },
  { id: "lasso", label: "Lasso", key: "l", icon: "lasso" },
  { id: "fill", label: "Fill an outline", key: "g", icon: "bucket" },
];

export interface ToolSettings {
  tool: Tool;
  /** Diameter of the brush as a part of the picture's longer side. */
  size: number;
  hardness: number;
  opacity: number;
  /** Of the mask over the picture, "#rrggbb". */
  color: string;
}

const DEFAULTS: ToolSettings = { tool: "brush", size: 1 / 14, hardness: 0.8, opacity: 1, color: "#ff3b5c" };
const KEY = "comfy_notebook.mask_editor";

export function storedSettings(storage: Pick<Storage, "getItem">): ToolSettings {
  const settings = { ...DEFAULTS };
  let kept: Partial<Record<keyof ToolSettings, unknown>>;
  try {
    kept = (JSON.parse(storage.getItem(KEY) ?? "{}") ?? {}) as typeof kept;
  } catch {
    return settings;
  }
  for (const name of ["size", "hardness", "opacity"] as const) {
    const value = kept[name];
    if (typeof value === "number" && value >= 0 && value <= 1) settings[name] = value;
  }
  if (typeof kept.color === "string" && /^#[0-9a-f]{6}$/i.test(kept.color)) settings.color = kept.color;
  return settings;
}

/** The tool is not kept: each picture starts with the brush. */
export function storeSettings(storage: Pick<Storage, "setItem">, { tool: _, ...settings }: ToolSettings): void {
  storage.setItem(KEY, JSON.stringify(settings));
}

/** The brush in pixels of a picture, at least one. */
export function pixels(size: number, longest: number): number {
  return Math.max(1, Math.round(size * longest));
}

/** The next size by the keys [ and ]: a tenth smaller or larger, at least a pixel. */
export function stepped(pixelSize: number, larger: boolean, longest: number): number {
  const step = Math.max(1, Math.round(pixelSize * 0.1));
  return Math.min(longest, Math.max(1, pixelSize + (larger ? step : -step)));
}

/** Sliders of sizes are finer for small brushes: 0 … 1 is 1 pixel … the whole picture. */
export function sizeAt(position: number, longest: number): number {
  return Math.max(1, Math.round(longest ** position));
}

export function positionOf(pixelSize: number, longest: number): number {
  return longest <= 1 ? 0 : Math.log(Math.max(1, pixelSize)) / Math.log(longest);
}

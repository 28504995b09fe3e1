// The buttons and sliders around the picture.

import { h } from "../dom";
import { icon, type IconName } from "../icons";
import { keyLabel } from "../keyboard";
import { pixels, positionOf, sizeAt, TOOLS, type Tool, type ToolSettings } from "./tools";

export interface ControlPorts {
  settings: ToolSettings;
  /** The longer side of the picture in pixels. */
  longest(): number;
  /** What a person chose is in the settings. */
  changed(): void;
  undo(): void;
  redo(): void;
  clear(): void;
  invert(): void;
  zoom(factor: number): void;
  fit(): void;
  cancel(): void;
  save(): void;
}

export interface ControlState {
  ready: boolean;
  canUndo: boolean;
  canRedo: boolean;
  scale: number;
}

export class Controls {
  readonly bar: HTMLElement;
  readonly tools: HTMLElement;
  readonly options: HTMLElement;
  readonly zoom: HTMLElement;
  private readonly size = h("span", { class: "cn-mask-size" });
  private readonly scale = h("span", { class: "cn-mask-scale", "aria-live": "off" });
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly save: HTMLButtonElement;
  private readonly toolButtons = new Map<Tool, HTMLButtonElement>();
  private readonly brushOptions: HTMLElement[];
  private readonly sizeSlider: HTMLInputElement;
  private readonly sizeNumber: HTMLInputElement;
  private readonly percents: { name: "hardness" | "opacity"; slider: HTMLInputElement; shown: HTMLElement }[] = [];
  private readonly color: HTMLInputElement;

  constructor(name: string, private readonly ports: ControlPorts) {
    const { settings } = ports;
    const keys = (label: string, combo: string) => `${label} (${keyLabel(combo)})`;
    const button = (test: string, symbol: IconName, label: string, action: () => void) =>
      h("button", { class: "cn-icon-button", type: "button", title: label, "aria-label": label, "data-testid": `mask-${test}`, onclick: action }, icon(symbol));
    this.undo = button("undo", "undo", keys("Undo", "ctrl+z"), ports.undo);
    this.redo = button("redo", "redo", keys("Redo", "ctrl+shift+z"), ports.redo);
    this.save = h("button", { class: "cn-button cn-primary", type: "button", title: keys("Save", "ctrl+s"), "data-testid": "mask-save", onclick: ports.save }, "Save");
    this.bar = h("div", { class: "cn-mask-bar" },
      icon("mask"), h("strong", { class: "cn-mask-name", title: name }, name), this.size, h("span", { class: "cn-spacer" }),
      h("div", { class: "cn-tools" }, this.undo, this.redo),
      h("div", { class: "cn-tools" }, button("invert", "invert", keys("Invert the mask", "i"), ports.invert), button("clear", "trash", keys("Clear the mask", "delete"), ports.clear)),
      h("button", { class: "cn-button", type: "button", "data-testid": "mask-cancel", onclick: ports.cancel }, "Cancel"), this.save);

    this.tools = h("div", { class: "cn-mask-tools", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" }, ...TOOLS.map((tool) => {
      const made = button(`tool-${tool.id}`, tool.icon, keys(tool.label, tool.key), () => {
        settings.tool = tool.id;
        ports.changed();
      });
      this.toolButtons.set(tool.id, made);
      return made;
    }));

    this.sizeSlider = h("input", { type: "range", min: "0", max: "1", step: "any", "aria-label": "Brush size", "data-testid": "mask-size",
      oninput: () => this.setSize(sizeAt(Number(this.sizeSlider.value), ports.longest())) });
    this.sizeNumber = h("input", { class: "cn-input", type: "number", min: "1", "aria-label": "Brush size in pixels", "data-testid": "mask-size-number",
      onchange: () => this.setSize(Number(this.sizeNumber.value) || 1) });
    const size = h("label", { class: "cn-mask-option" }, h("span", {}, "Size"), this.sizeSlider, this.sizeNumber);
    this.color = h("input", { class: "cn-mask-color", type: "color", title: "Colour of the mask over the picture", "aria-label": "Colour of the mask over the picture", "data-testid": "mask-color",
      oninput: () => { settings.color = this.color.value; ports.changed(); } });
    const hardness = this.percent("hardness", "Hardness");
    this.brushOptions = [size, hardness];
    this.options = h("div", { class: "cn-mask-options" }, size, hardness, this.percent("opacity", "Opacity"), h("span", { class: "cn-spacer" }), h("label", { class: "cn-mask-option" }, h("span", {}, "Overlay"), this.color));

    this.zoom = h("div", { class: "cn-mask-zoom" },
      button("zoom-out", "minus", keys("Zoom out", "-"), () => ports.zoom(1 / 1.25)), this.scale, button("zoom-in", "plus", keys("Zoom in", "+"), () => ports.zoom(1.25)), button("fit", "fit", keys("Whole picture", "."), ports.fit));
    for (const part of [this.bar, this.tools, this.zoom]) part.addEventListener("mousedown", (event) => event.preventDefault()); // the picture keeps the focus, and with it its keys
  }

  /** What the buttons do. */
  get actions(): ControlPorts {
    return this.ports;
  }

  /** Diameter of the brush in pixels of the picture. */
  setSize(value: number): void {
    const longest = this.ports.longest();
    this.ports.settings.size = Math.min(longest, Math.max(1, value)) / longest;
    this.ports.changed();
  }

  /** "1024 × 768" */
  setPictureSize(text: string): void {
    this.size.textContent = text;
  }

  saving(on: boolean): void {
    this.save.textContent = on ? "Saving…" : "Save";
  }

  show({ ready, canUndo, canRedo, scale }: ControlState): void {
    const { settings } = this.ports;
    const longest = this.ports.longest();
    const brush = pixels(settings.size, longest);
    for (const control of [this.bar, this.tools, this.options, this.zoom].flatMap((part) => [...part.querySelectorAll<HTMLButtonElement>("button, input")])) control.disabled = !ready && control.dataset.testid !== "mask-cancel";
    this.undo.disabled = !ready || !canUndo;
    this.redo.disabled = !ready || !canRedo;
    for (const [tool, button] of this.toolButtons) button.setAttribute("aria-pressed", String(tool === settings.tool));
    for (const option of this.brushOptions) option.classList.toggle("cn-idle", settings.tool !== "brush" && settings.tool !== "eraser");
    this.sizeSlider.value = String(positionOf(brush, longest));
    this.sizeSlider.setAttribute("aria-valuetext", `${brush} pixels`);
    this.sizeNumber.value = String(brush);
    this.sizeNumber.max = String(longest);
    for (const { name, slider, shown } of this.percents) {
      slider.value = String(Math.round(100 * settings[name]));
      shown.textContent = `${slider.value} %`;
    }
    this.color.value = settings.color;
    this.scale.textContent = scale > 0 ? `${Math.round(100 * scale)} %` : "";
  }

  private percent(name: "hardness" | "opacity", label: string): HTMLElement {
    const slider = h("input", { type: "range", min: name === "opacity" ? "1" : "0", max: "100", "aria-label": label, "data-testid": `mask-${name}`,
      oninput: () => { this.ports.settings[name] = Number(slider.value) / 100; this.ports.changed(); } });
    const shown = h("span", { class: "cn-mask-value" });
    this.percents.push({ name, slider, shown });
    return h("label", { class: "cn-mask-option" }, h("span", {}, label), slider, shown);
  }
}

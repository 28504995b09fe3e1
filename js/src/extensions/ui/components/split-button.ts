// ui/components/splitButton.js: a button with an arrow that opens more of its kind.

import { $el } from "../element";
import { ComfyButton } from "./button";
import { ComfyPopup } from "./popup";

type Item = ComfyButton | HTMLElement;

interface SplitOptions {
  primary: Item;
  mode?: "click" | "hover";
  horizontal?: "left" | "right";
  position?: "absolute" | "relative";
}

const elementOf = (item: Item): HTMLElement => (item instanceof HTMLElement ? item : item.element);

export class ComfySplitButton {
  arrow: ComfyButton;
  element: HTMLElement;
  popup: ComfyPopup;
  items: Item[];

  constructor({ primary, mode = "click", horizontal = "left", position = "relative" }: SplitOptions, ...items: Item[]) {
    this.arrow = new ComfyButton({ icon: "chevron-down", tooltip: "More" });
    this.element = $el(`div.comfyui-split-button.${mode}`, [$el("div.comfyui-split-primary", [elementOf(primary)]), $el("div.comfyui-split-arrow", [this.arrow.element])]);
    this.popup = new ComfyPopup({ target: this.element, container: position === "relative" ? this.element : document.body, classList: "comfyui-split-button-popup", closeOnEscape: mode === "click", position, horizontal });
    this.arrow.withPopup(this.popup, mode);
    this.items = items;
    this.update();
  }

  update(): void {
    this.popup.element.replaceChildren(...this.items.map(elementOf));
  }
}

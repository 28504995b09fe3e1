// ui/components/buttonGroup.js: buttons side by side.

import { $el } from "../element";
import type { ComfyButton } from "./button";

type Member = ComfyButton | HTMLElement;

export class ComfyButtonGroup {
  element = $el("div.comfyui-button-group");
  buttons: Member[];

  constructor(...buttons: Member[]) {
    this.buttons = buttons;
    this.update();
  }

  insert(button: Member, index: number): void {
    this.buttons.splice(index, 0, button);
    this.update();
  }

  append(button: Member): void {
    this.buttons.push(button);
    this.update();
  }

  /** The removed button in a list, or undefined where there is none. */
  remove(indexOrButton: number | Member): Member[] | undefined {
    const index = typeof indexOrButton === "number" ? indexOrButton : this.buttons.indexOf(indexOrButton);
    if (index < 0) return undefined;
    const removed = this.buttons.splice(index, 1);
    this.update();
    return removed;
  }

  update(): void {
    this.element.replaceChildren(...this.buttons.map((button) => (button instanceof HTMLElement ? button : button.element)));
  }
}

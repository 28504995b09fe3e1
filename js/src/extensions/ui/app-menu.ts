// ui/menu/index.js: `app.menu`, groups of buttons that packs append to or put their own beside.

import { $el } from "./element";
import { ComfyButton } from "./components/button";
import { ComfyButtonGroup } from "./components/button-group";

interface MenuApp {
  queuePrompt?(number: number, batchCount?: number): unknown;
}

export class ComfyAppMenu {
  readonly actionsGroup = new ComfyButtonGroup();
  readonly settingsGroup = new ComfyButtonGroup();
  readonly viewGroup = new ComfyButtonGroup();
  readonly mobileMenuButton = new ComfyButton({ icon: "menu", tooltip: "Menu", classList: "comfyui-button comfyui-menu-button" });
  readonly saveButton = new ComfyButton({ icon: "content-save", tooltip: "Save", classList: "comfyui-button" });
  readonly element: HTMLElement;

  constructor(readonly app: MenuApp) {
    this.actionsGroup.element.classList.add("comfyui-actions-group");
    this.settingsGroup.element.classList.add("comfyui-settings-group");
    this.viewGroup.element.classList.add("comfyui-view-group");
    this.element = $el("nav.comfyui-menu", [this.actionsGroup.element, this.settingsGroup.element, this.viewGroup.element]);
  }
}

// ui/components/button.js: a button whose look follows its properties (`button.enabled = false`, `button.icon = "check"`).

import { prop } from "../observed";
import { guarded } from "../guard";
import { applyClasses, toggleElement, type ClassList } from "../style-utils";
import { $el } from "../element";
import type { ComfyPopup } from "./popup";

interface SettingsSource {
  ui?: { settings?: { getSettingValue(id: string, fallback?: unknown): unknown; addEventListener(type: string, listener: (event: Event) => void): void } };
}

export interface ButtonOptions {
  /** The name of a Material Design icon, without "mdi-". */
  icon?: string;
  overIcon?: string;
  iconSize?: number;
  /** HTML text or an element. */
  content?: string | HTMLElement;
  tooltip?: string;
  action?: (event: Event, button: ComfyButton) => unknown;
  classList?: ClassList;
  /** Hides the button while the setting has another value. */
  visibilitySetting?: { id: string; showValue: unknown };
  app?: SettingsSource;
  enabled?: boolean;
}

export class ComfyButton {
  element: HTMLButtonElement;
  iconElement = $el("i.mdi");
  contentElement = $el("span");
  popup: ComfyPopup | undefined;
  declare over: boolean;
  declare icon: string | undefined;
  declare overIcon: string | undefined;
  declare iconSize: number | undefined;
  declare content: string | HTMLElement | undefined;
  declare tooltip: string | undefined;
  declare classList: ClassList;
  declare hidden: boolean;
  declare enabled: boolean;
  declare action: ButtonOptions["action"];
  private popupOpen = false;
  private entered = false;

  constructor(options: ButtonOptions = {}) {
    const { icon, overIcon, iconSize, content, tooltip, action, classList = "comfyui-button", visibilitySetting, app, enabled = true } = options;
    this.element = $el<HTMLButtonElement>("button", { type: "button", onmouseenter: () => this.pointed(true), onmouseleave: () => this.pointed(false) }, [this.iconElement, this.contentElement]);
    prop(this, "icon", icon, toggleElement(this.iconElement, { onShow: this.drawIcon }));
    prop(this, "overIcon", overIcon, this.drawIcon);
    prop(this, "over", false, this.drawIcon);
    prop(this, "iconSize", iconSize, this.drawIcon);
    prop(this, "content", content, toggleElement(this.contentElement, {
      onShow: (element, value) => {
        if (typeof value === "string") element.innerHTML = value;
        else element.replaceChildren(value as HTMLElement);
      },
    }));
    prop(this, "tooltip", tooltip, (value) => {
      if (!value) return this.element.removeAttribute("title");
      this.element.title = value;
      if (!this.content) this.element.setAttribute("aria-label", value);
    });
    prop(this, "classList", classList, this.drawClasses);
    prop(this, "hidden", false, this.drawClasses);
    prop(this, "enabled", enabled, (on) => {
      this.drawClasses();
      this.element.disabled = !on;
    });
    prop(this, "action", action);
    this.element.addEventListener("click", (event) => this.clicked(event));
    if (visibilitySetting?.id) this.followSetting(visibilitySetting, app);
  }

  /** Opens `popup` on a click, or while the pointer is over button or popup. */
  withPopup(popup: ComfyPopup, mode: "click" | "hover" = "click"): this {
    this.popup = popup;
    this.element.setAttribute("aria-haspopup", "true");
    if (mode === "hover") {
      for (const element of [this.element, popup.element]) {
        element.addEventListener("mouseenter", () => { popup.open = true; });
        element.addEventListener("mouseleave", () => { popup.open = false; });
      }
    }
    popup.addEventListener("change", () => {
      this.popupOpen = popup.open;
      this.drawClasses();
    });
    return this;
  }

  private clicked(event: Event): void {
    this.popup?.toggle();
    if (this.action) guarded(this.tooltip ?? "button", () => this.action?.(event, this));
  }

  private pointed(on: boolean): void {
    this.entered = on;
    this.over = on;
    this.drawClasses();
  }

  private readonly drawIcon = (): void => {
    this.iconElement.className = `mdi mdi-${(this.over && this.overIcon) || this.icon}${this.iconSize ? ` mdi-${this.iconSize}px` : ""}`;
  };

  private readonly drawClasses = (): void => {
    if (this.hidden === undefined) return; // not whole yet
    const states = [!this.enabled && "disabled", this.hidden && "hidden", this.popupOpen && "popup-open", !this.popupOpen && this.popup && "popup-closed", this.entered && "over"];
    applyClasses(this.element, this.classList, ...states.filter((state): state is string => !!state));
    this.element.hidden = this.hidden;
  };

  private followSetting({ id, showValue }: { id: string; showValue: unknown }, app: SettingsSource | undefined): void {
    const settings = app?.ui?.settings ?? (window as { app?: SettingsSource }).app?.ui?.settings;
    const update = () => { this.hidden = settings?.getSettingValue(id) !== showValue; };
    settings?.addEventListener(`${id}.change`, update);
    update();
  }
}

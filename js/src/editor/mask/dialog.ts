// The mask editor over the editor: opens empty, shows the picture when it has come, and stays until it is saved or left.

import { h, trapFocus } from "../dom";
import type { Dialogs } from "../feedback";
import { icon } from "../icons";
import { Controls } from "./controls";
import { Drawing } from "./drawing";
import { bindMaskKeys } from "./keys";
import { Overlay } from "./overlay";
import type { Picture } from "./picture";
import type { Raster } from "./raster";
import { MaskStage } from "./stage";
import { stepped, storedSettings, storeSettings } from "./tools";

export interface MaskDialogPorts {
  root: HTMLElement;
  dialogs: Dialogs;
  storage: Pick<Storage, "getItem" | "setItem">;
  /** Resolves when the kernel has the mask. */
  save(mask: Raster): Promise<void>;
  closed(): void;
}

type State = "loading" | "ready" | "saving" | "failed";

const HINT = "Right button erases · Shift+click draws a line · wheel zooms · Space or middle button moves · [ and ] change the size";

export class MaskDialog {
  private readonly element: HTMLElement;
  private readonly body = h("div", { class: "cn-mask-body" }, h("div", { class: "cn-mask-waiting", role: "status" }, "Loading the picture…"));
  private readonly problem = h("div", { class: "cn-mask-problem", role: "alert", hidden: true }, icon("warning"), h("span", {}));
  private readonly controls: Controls;
  private readonly settings;
  private readonly before = document.activeElement;
  private state: State = "loading";
  private picture: Picture | null = null;
  private overlay: Overlay | null = null;
  private drawing: Drawing | null = null;
  private stage: MaskStage | null = null;

  constructor(name: string, private readonly ports: MaskDialogPorts) {
    this.settings = storedSettings(ports.storage);
    this.controls = new Controls(name, {
      settings: this.settings,
      longest: () => this.stage?.longest ?? 512,
      changed: () => this.settingsChanged(),
      undo: () => this.edit((drawing) => drawing.undo()),
      redo: () => this.edit((drawing) => drawing.redo()),
      clear: () => this.edit((drawing) => drawing.clear()),
      invert: () => this.edit((drawing) => drawing.invert()),
      zoom: (factor) => this.stage?.zoom(factor),
      fit: () => this.stage?.fit(),
      cancel: () => void this.leave(),
      save: () => void this.save(),
    });
    const { bar, options, tools, zoom } = this.controls;
    this.element = h("div", { class: "cn-mask", role: "dialog", "aria-modal": "true", "aria-label": `Mask of ${name}`, tabindex: "-1", "data-testid": "mask-editor" },
      bar, options, this.problem, h("div", { class: "cn-mask-middle" }, tools, this.body), h("div", { class: "cn-mask-foot" }, h("span", { class: "cn-mask-hint" }, HINT), zoom));
    trapFocus(this.element);
    bindMaskKeys(this.element, {
      settings: this.settings, controls: this.controls,
      resize: (larger) => this.resizeBrush(larger),
      holding: (on) => {
        if (!this.stage) return;
        this.stage.holding = on;
        this.stage.refresh();
      },
      escape: () => {
        if (this.drawing?.busy) this.edit((drawing) => drawing.abort());
        else void this.leave();
      },
    });
    ports.root.append(this.element);
    this.element.focus({ preventScroll: true });
    this.setState("loading");
  }

  show(picture: Picture): void {
    const { image, mask } = picture;
    this.picture = picture;
    this.overlay = new Overlay(mask, this.settings.color);
    const drawing = new Drawing(mask, (rect) => this.overlay?.changed(rect));
    this.drawing = drawing;
    this.stage = new MaskStage(image, this.overlay, drawing, { settings: this.settings, changed: () => this.refresh() });
    this.body.replaceChildren(this.stage.element);
    this.controls.setPictureSize(`${mask.width} × ${mask.height}`);
    this.setState("ready");
    this.stage.refresh();
    this.stage.element.focus({ preventScroll: true });
  }

  fail(text: string): void {
    this.body.replaceChildren(h("div", { class: "cn-empty" }, h("strong", {}, "The picture could not be opened."), h("span", {}, text)));
    this.setState("failed");
  }

  resizeBrush(larger: boolean): void {
    if (this.stage) this.controls.setSize(stepped(this.stage.brushSize, larger, this.stage.longest));
  }

  /** Without a question. */
  close(): void {
    if (!this.element.isConnected) return;
    storeSettings(this.ports.storage, this.settings);
    this.element.remove();
    this.stage?.destroy();
    this.picture?.release();
    if (this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
    this.ports.closed();
  }

  private async leave(): Promise<void> {
    if (this.state === "saving") return;
    if (this.drawing?.edited) {
      const sure = await this.ports.dialogs.confirm({ title: "Leave without saving the mask?", text: "What you drew is lost.", confirm: "Leave", cancel: "Keep drawing", danger: true });
      if (!sure) return void this.stage?.element.focus({ preventScroll: true });
    }
    this.close();
  }

  private async save(): Promise<void> {
    if (this.state !== "ready" || !this.drawing) return;
    this.drawing.end();
    this.setState("saving");
    this.problem.hidden = true;
    try {
      await this.ports.save(this.drawing.mask);
      this.close();
    } catch (error) {
      (this.problem.lastElementChild as HTMLElement).textContent = `The mask was not saved: ${error instanceof Error ? error.message : String(error)}`;
      this.problem.hidden = false;
      this.setState("ready");
    }
  }

  private edit(work: (drawing: Drawing) => void): void {
    if (this.state === "ready" && this.drawing) work(this.drawing);
    this.stage?.refresh();
    this.refresh();
  }

  private settingsChanged(): void {
    this.overlay?.setColor(this.settings.color);
    this.stage?.refresh();
    this.refresh();
  }

  private setState(state: State): void {
    this.state = state;
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", String(state === "loading" || state === "saving"));
    this.controls.saving(state === "saving");
    this.refresh();
  }

  private refresh(): void {
    const { drawing, stage } = this;
    this.controls.show({ ready: this.state === "ready", canUndo: drawing?.canUndo ?? false, canRedo: drawing?.canRedo ?? false, scale: stage?.scale ?? 0 });
  }
}

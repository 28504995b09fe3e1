// A small bar above what is selected, with what the editor and packs offer for it.

import type { GraphViewApi } from "../graph";
import { h } from "./dom";

export interface ToolboxItem {
  label: string;
  tooltip?: string;
  icon?: Element | null;
  /** The icon alone says it. */
  short?: boolean;
  run(): void;
}

const GAP = 8;
/** Half the height of a node's title, in graph units. */
const HALF_TITLE = 15;

export class SelectionToolbox {
  private readonly box = h("div", { class: "cn-toolbox", role: "toolbar", "aria-label": "Selection", hidden: true });
  private readonly sources: (() => ToolboxItem[])[] = [];
  private readonly off: (() => void)[];

  constructor(
    private readonly stage: HTMLElement,
    private readonly view: GraphViewApi,
  ) {
    stage.append(this.box);
    const page = stage.ownerDocument;
    stage.addEventListener("pointerdown", this.leave, true);
    for (const type of ["pointerup", "pointercancel"]) page.addEventListener(type, this.back, true);
    const stop = (): void => {
      stage.removeEventListener("pointerdown", this.leave, true);
      for (const type of ["pointerup", "pointercancel"]) page.removeEventListener(type, this.back, true);
    };
    this.off = [stop, view.on("selection", () => this.refresh()), view.on("view", () => this.place()), view.on("change", () => this.place())];
  }

  /** `source` is asked whenever the selection changes; returns how to take it away. */
  add(source: () => ToolboxItem[]): () => void {
    this.sources.push(source);
    return () => {
      this.sources.splice(this.sources.indexOf(source), 1);
      this.refresh();
    };
  }

  refresh(): void {
    const items = this.view.selection().length > 0 ? this.sources.flatMap((source) => source()) : [];
    this.box.hidden = items.length === 0;
    this.box.replaceChildren(...items.map(({ label, tooltip, icon, short, run }) =>
      h("button", { class: "cn-button cn-small", type: "button", title: tooltip || label, "aria-label": label, onclick: run }, icon, !(icon && short) && label)));
    this.place();
  }

  destroy(): void {
    this.off.forEach((stop) => stop());
    this.box.remove();
  }

  /** Nodes that are dragged tell where they are when they are let go. */
  private readonly leave = (event: Event): void => {
    if (!this.box.contains(event.target as Node)) this.box.classList.add("cn-away");
  };

  private readonly back = (): void => {
    this.box.classList.remove("cn-away");
    this.place();
  };

  /** Above the selection, inside the canvas. */
  private place(): void {
    if (this.box.hidden) return;
    const frame = this.stage.getBoundingClientRect();
    const spots = this.view.selection().flatMap((id) => {
      try {
        return [this.view.clientPos({ node: id, title: true })];
      } catch {
        return []; // the selection may hold groups, or nodes that are going
      }
    });
    if (spots.length === 0) return void (this.box.hidden = true);
    const { width, height } = this.box.getBoundingClientRect();
    const x = spots.reduce((sum, spot) => sum + spot.x, 0) / spots.length - frame.left - width / 2;
    const y = Math.min(...spots.map((spot) => spot.y)) - frame.top - height - GAP - HALF_TITLE * this.view.getScale();
    this.box.style.left = `${clamp(x, GAP, frame.width - width - GAP)}px`;
    this.box.style.top = `${clamp(y, GAP, frame.height - height - GAP)}px`;
  }
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, Math.max(low, high)));

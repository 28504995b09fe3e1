// What lies over the top of the canvas: the kernel's state and the path into subgraphs.

import type { LevelEntry } from "../graph";
import { h } from "./dom";
import { icon } from "./icons";

export class Banner {
  private readonly box = h("div", { class: "cn-banner", role: "alert", hidden: true });

  constructor(top: HTMLElement) {
    top.append(this.box);
  }

  show(text: string, actions: { label: string; run(): void }[] = []): void {
    const buttons = actions.map(({ label, run }) => h("button", { class: "cn-button cn-small", onclick: run }, label));
    this.box.replaceChildren(icon("warning"), h("span", {}, text), ...buttons);
    this.box.hidden = false;
  }

  hide(): void {
    this.box.hidden = true;
  }
}

/** What to do with an empty graph. */
export class EmptyHint {
  private readonly box = h("div", { class: "cn-hint-empty", hidden: true },
    h("strong", {}, "Nothing here yet"), h("span", {}, "Double click or press Space to add a node, or drop a workflow or an image here."));

  constructor(canvas: HTMLElement) {
    canvas.append(this.box);
  }

  show(on: boolean): void {
    this.box.hidden = !on;
  }
}

export class Breadcrumb {
  private readonly box = h("nav", { class: "cn-breadcrumb", "aria-label": "Subgraph", hidden: true });

  constructor(
    top: HTMLElement,
    private readonly go: (depth: number) => void,
  ) {
    top.append(this.box);
  }

  show(path: LevelEntry[]): void {
    this.box.hidden = path.length < 2;
    this.box.replaceChildren(...path.flatMap(({ name, id }, depth) => {
      const last = depth === path.length - 1;
      const label = name || (id === null ? "Workflow" : "Subgraph");
      const step = last ? h("span", { "aria-current": "location" }, label) : h("button", { onclick: () => this.go(depth) }, label);
      return depth === 0 ? [step] : [icon("right"), step];
    }));
  }
}

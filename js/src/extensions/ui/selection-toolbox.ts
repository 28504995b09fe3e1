// Commands that packs offer for what is selected: a small bar above the selection.

import type { GraphViewApi } from "../../graph";
import { h } from "../../editor/dom";
import { guarded, textOf } from "./guard";
import { iconElement } from "./icons";
import type { CommandStore } from "./commands";
import type { ExtensionStatics } from "./types";

const GAP = 8;
/** Half the height of a node's title, in graph units. */
const HALF_TITLE = 15;

export class SelectionToolbox {
  private readonly box = h("div", { class: "cn-toolbox", role: "toolbar", "aria-label": "Selection", hidden: true });
  private readonly off: (() => void)[];

  constructor(
    private readonly stage: HTMLElement,
    private readonly view: GraphViewApi,
    private readonly commands: CommandStore,
    private readonly extensions: () => readonly ExtensionStatics[],
    private readonly selected: () => unknown[],
  ) {
    stage.append(this.box);
    this.off = [view.on("selection", () => this.fill()), view.on("view", () => this.place()), view.on("change", () => this.place())];
  }

  destroy(): void {
    this.off.forEach((stop) => stop());
    this.box.remove();
  }

  private fill(): void {
    const items = this.selected();
    const ids = new Set<string>();
    for (const extension of this.extensions()) {
      if (!extension.getSelectionToolboxCommands) continue;
      for (const item of items) for (const id of guarded(extension.name, () => extension.getSelectionToolboxCommands?.(item)) ?? []) ids.add(id);
    }
    const commands = [...ids].flatMap((id) => this.commands.getCommand(id) ?? []);
    this.box.hidden = commands.length === 0;
    this.box.replaceChildren(...commands.map((command) => {
      const label = textOf(command.id, command.label) || command.id;
      const icon = textOf(command.id, command.icon);
      return h("button", { class: "cn-button cn-small", type: "button", title: textOf(command.id, command.tooltip) || label, "aria-label": label, onclick: () => this.commands.run(command.id, ...this.argument()) },
        icon ? iconElement(icon, label) : label);
    }));
    this.place();
  }

  /** One item alone, several as a list. */
  private argument(): unknown[] {
    const items = this.selected();
    return [items.length === 1 ? items[0] : items];
  }

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

// Commands that packs offer for what is selected.

import type { ToolboxItem } from "../../editor/selection-toolbox";
import { guarded, textOf } from "./guard";
import { iconElement } from "./icons";
import type { CommandStore } from "./commands";
import type { ExtensionStatics } from "./types";

export function toolboxOfPacks(commands: CommandStore, extensions: readonly ExtensionStatics[], items: unknown[]): ToolboxItem[] {
  const ids = new Set<string>();
  for (const extension of extensions) {
    if (!extension.getSelectionToolboxCommands) continue;
    for (const item of items) for (const id of guarded(extension.name, () => extension.getSelectionToolboxCommands?.(item)) ?? []) ids.add(id);
  }
  return [...ids].flatMap((id) => commands.getCommand(id) ?? []).map((command) => {
    const label = textOf(command.id, command.label) || command.id;
    const icon = textOf(command.id, command.icon);
    return {
      label, tooltip: textOf(command.id, command.tooltip), icon: icon ? iconElement(icon, label) : null, short: true,
      run: () => commands.run(command.id, items.length === 1 ? items[0] : items), // one item alone, several as a list
    };
  });
}

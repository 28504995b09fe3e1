// `app.extensionManager.dialog`: questions to the person in the editor's own dialogs. All of it is text.

import type { Dialogs } from "../../editor/feedback";

interface PromptOptions {
  title: string;
  message?: string;
  defaultValue?: string;
}

export interface ConfirmOptions {
  title: string;
  message?: string;
  type?: "default" | "overwrite" | "delete" | "dirtyClose" | "reinstall" | (string & {});
  itemList?: string[];
  hint?: string;
}

const ANSWERS: Record<string, { confirm: string; deny?: string; danger?: boolean }> = {
  default: { confirm: "Confirm" },
  overwrite: { confirm: "Overwrite", danger: true },
  overwriteBlueprint: { confirm: "Overwrite", danger: true },
  delete: { confirm: "Delete", danger: true },
  dirtyClose: { confirm: "Save", deny: "Don’t save" },
  reinstall: { confirm: "Reinstall", danger: true },
};

export class DialogManager {
  constructor(private readonly dialogs: Dialogs) {}

  /** The text that was typed, null when cancelled. */
  prompt({ title, message = "", defaultValue = "" }: PromptOptions): Promise<string | null> {
    return this.dialogs.prompt({ title: String(title ?? ""), text: String(message), value: String(defaultValue) });
  }

  /** true when confirmed, false when denied, null when cancelled. */
  confirm({ title, message = "", type = "default", itemList = [], hint }: ConfirmOptions): Promise<boolean | null> {
    return this.dialogs.ask({
      title: String(title ?? ""), text: String(message), items: itemList.map(String), ...(hint && { hint: String(hint) }),
      ...(ANSWERS[type] ?? ANSWERS.default),
    });
  }
}

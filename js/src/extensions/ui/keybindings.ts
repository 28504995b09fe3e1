// Key combinations of packs in the editor's names ("ctrl+shift+k").

import { comboOf } from "../../editor/keyboard";
import type { Keybinding } from "./types";

/** null where it names no key. */
export function keybindingOf({ key, ctrl = false, shift = false, alt = false, meta = false }: Keybinding["combo"]): string | null {
  if (!key) return null;
  // As if the key had been pressed: one set of rules decides what a combination is called.
  return comboOf({ key, code: /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : "", ctrlKey: ctrl, metaKey: meta, altKey: alt, shiftKey: shift });
}

// Whose fault an error is.

import { packOf } from "./loading/names";

/** The pack whose module threw, by the topmost of them in the stack. */
export function packOfError(error: unknown): string | null {
  const stack = (error as { stack?: unknown } | null)?.stack;
  const found = /https:\/\/comfy\.invalid\/extensions\/[^\s():?#]+/.exec(typeof stack === "string" ? stack : "");
  return found ? packOf(found[0]) : null;
}

// Entries of litegraph's menus, as packs make them, in our menus.
import type { ViewCore } from "./core";
import { type LGraphNode, LiteGraph } from "./litegraph";
import { packHooks } from "./pack-hooks";
import type { MenuEntry } from "./types";
import type { AnyWidget } from "./widget-classes";

/** Its text is text: markup in it is dropped. What it opens itself, through `LiteGraph.ContextMenu`, opens at the pointer. */
export function foreignEntry(option: AnyWidget, node: LGraphNode | null, core: ViewCore): MenuEntry | null {
  if (!option) return null;
  const label = plainText(String(option.content ?? option.title ?? option));
  const listed = option.submenu?.options;
  const submenu = Array.isArray(listed) ? listed.map((item: AnyWidget) => foreignEntry(item, node, core)) : undefined;
  const opens = !submenu && (option.has_submenu || option.submenu);
  return { label, ...(opens && { hint: "›" }), disabled: !!option.disabled, submenu, action: () => runEntry(option, node, core) };
}

function plainText(markup: string): string {
  return (new DOMParser().parseFromString(markup, "text/html").body.textContent ?? "").trim();
}

function runEntry(option: AnyWidget, node: LGraphNode | null, core: ViewCore): void {
  const event = pointerEvent(core);
  const options = { event, node, extra: node, callback: undefined, parentMenu: undefined };
  try {
    const callback = typeof option === "function" ? option : option.callback;
    const handled = callback?.call(core.overlay, option, options, event, null, node);
    if (handled === true || !option.submenu || Array.isArray(option.submenu)) return;
    const { options: entries, ...more } = option.submenu;
    if (entries) new LiteGraph.ContextMenu(entries, { ...options, ...more });
  } catch (error) {
    const hooks = packHooks();
    if (hooks && node) hooks.failed(`menu “${String(option.content)}”`, node, error);
    else core.services.notify("warning", `A menu extension failed: ${String(error)}`);
  } finally {
    packHooks()?.mayHaveChanged();
    core.redraw();
  }
}

/** Where the person clicked last, as litegraph's menus and dialogs take it. */
function pointerEvent(core: ViewCore): MouseEvent {
  const [clientX, clientY] = core.lastClient;
  const event = new MouseEvent("click", { clientX, clientY, bubbles: true });
  const [canvasX, canvasY] = core.canvas.convertEventToCanvasOffset(event) as unknown as [number, number];
  return Object.assign(event, { canvasX, canvasY });
}

export function isStock(option: AnyWidget, names: ReadonlySet<string>): boolean {
  return !option || names.has(String(option.content));
}

/** No separators at the ends and no two in a row. */
export function tidy(items: (MenuEntry | null)[]): (MenuEntry | null)[] {
  return items.filter((item, i) => item !== null || (i > 0 && items[i - 1] !== null && items.slice(i).some((later) => later !== null)));
}

import { describe, expect, it, vi } from "vitest";
import { bindKeys, comboOf, Commands, keyLabel } from "../../src/editor/keyboard";
import { editorCommands } from "../../src/editor/actions";

const event = (init: KeyboardEventInit) => new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });

describe("combinations", () => {
  it.each([
    [{ key: "z", ctrlKey: true }, "ctrl+z"],
    [{ key: "Z", code: "KeyZ", ctrlKey: true, shiftKey: true }, "ctrl+shift+z"],
    [{ key: "z", metaKey: true }, "ctrl+z"],
    [{ key: "ç", code: "KeyC", altKey: true }, "alt+c"],
    [{ key: "я", code: "KeyZ", ctrlKey: true }, "ctrl+z"],
    [{ key: "z", code: "KeyY", ctrlKey: true }, "ctrl+z"],
    [{ key: "?", code: "Slash", shiftKey: true }, "?"],
    [{ key: "Enter", ctrlKey: true, altKey: true }, "ctrl+alt+enter"],
    [{ key: " " }, "space"],
    [{ key: ".", code: "Period" }, "."],
    [{ key: "Control", ctrlKey: true }, null],
  ])("%j is %s", (init, combo) => expect(comboOf(event(init))).toBe(combo));

  it("are written as people know them", () => {
    expect(keyLabel("ctrl+shift+z", false)).toBe("Ctrl+Shift+Z");
    expect(keyLabel("ctrl+alt+enter", true)).toBe("⌘⌥Enter");
    expect(keyLabel("alt+=", false)).toBe("Alt+=");
  });
});

describe("in the editor", () => {
  const page = () => {
    const calls: string[] = [];
    const commands = new Commands();
    const editor = new Proxy({}, { get: () => new Proxy(() => undefined, { get: () => () => [] }) });
    commands.add(editorCommands(editor as never).map((command) => ({ ...command, enabled: () => true, run: () => void calls.push(command.id) })));
    const outer = document.createElement("div");
    const root = document.createElement("div");
    const canvas = document.createElement("canvas");
    const input = document.createElement("textarea");
    const button = document.createElement("button");
    root.append(canvas, input, button);
    outer.append(root);
    document.body.replaceChildren(outer);
    const leaked = vi.fn();
    outer.addEventListener("keydown", leaked);
    const seen = vi.fn();
    canvas.addEventListener("keydown", seen);
    const unbind = bindKeys(root, commands, () => false);
    return { calls, canvas, input, button, leaked, seen, unbind };
  };

  it.each([
    ["Enter", { ctrlKey: true }, "run"], ["Enter", { ctrlKey: true, altKey: true }, "cancel"], ["z", { ctrlKey: true }, "undo"], ["y", { ctrlKey: true }, "redo"],
    ["Delete", {}, "delete"], ["Backspace", {}, "delete"], ["m", { ctrlKey: true }, "mute"], ["b", { ctrlKey: true }, "bypass"], ["c", { altKey: true }, "collapse"],
    ["p", {}, "pin"], ["g", { ctrlKey: true }, "group"], ["a", { ctrlKey: true }, "select-all"], ["o", { ctrlKey: true }, "open"], ["s", { ctrlKey: true }, "save"], [".", {}, "fit"],
  ])("%s %j runs %s", (key, modifiers, id) => {
    const { calls, canvas, seen, leaked } = page();
    const press = event({ key, ...modifiers });
    canvas.dispatchEvent(press);
    expect(calls).toEqual([id]);
    expect(press.defaultPrevented).toBe(true);
    expect(seen).not.toHaveBeenCalled();
    expect(leaked).not.toHaveBeenCalled();
  });

  it("lets no key out, handled or not", () => {
    const { canvas, leaked, seen } = page();
    for (const key of ["d", "b", "a", "m", "0", "Escape", "ArrowUp", "Enter"]) canvas.dispatchEvent(event({ key }));
    expect(seen).toHaveBeenCalled();
    expect(leaked).not.toHaveBeenCalled();
  });

  it("leaves text fields their keys, except Run, Cancel, Open and Save", () => {
    const { calls, input, leaked } = page();
    for (const init of [{ key: "Delete" }, { key: "z", ctrlKey: true }, { key: "a", ctrlKey: true }, { key: "p" }, { key: "." }]) {
      const press = event(init);
      input.dispatchEvent(press);
      expect(press.defaultPrevented).toBe(false);
    }
    expect(calls).toEqual([]);
    input.dispatchEvent(event({ key: "Enter", ctrlKey: true }));
    expect(calls).toEqual(["run"]);
    expect(leaked).not.toHaveBeenCalled();
  });

  it("copy and paste go on to the browser, but not to the canvas", () => {
    const { calls, canvas, seen } = page();
    const press = event({ key: "v", ctrlKey: true });
    canvas.dispatchEvent(press);
    expect([calls, press.defaultPrevented, seen.mock.calls.length]).toEqual([[], false, 0]);
  });

  it("stops listening when taken down", () => {
    const { calls, canvas, unbind } = page();
    unbind();
    canvas.dispatchEvent(event({ key: "Delete" }));
    expect(calls).toEqual([]);
  });

  it("no two commands share a key", () => expect(() => page()).not.toThrow());
});

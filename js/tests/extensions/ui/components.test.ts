import { beforeEach, describe, expect, it, vi } from "vitest";
import { ComfyButton } from "../../../src/extensions/ui/components/button";
import { ComfyButtonGroup } from "../../../src/extensions/ui/components/button-group";
import { ComfyPopup } from "../../../src/extensions/ui/components/popup";
import { ComfySplitButton } from "../../../src/extensions/ui/components/split-button";
import { ComfyAsyncDialog } from "../../../src/extensions/ui/dialog";
import { ComfyList } from "../../../src/extensions/ui/comfy-list";
import { DraggableList } from "../../../src/extensions/ui/draggable-list";
import { $el } from "../../../src/extensions/ui/element";
import { calculateImageGrid, createImageHost } from "../../../src/extensions/ui/image-preview";
import { applyClasses, toggleElement } from "../../../src/extensions/ui/style-utils";
import { toggleSwitch } from "../../../src/extensions/ui/toggle-switch";
import { settingInput } from "../../../src/extensions/ui/settings-inputs";

beforeEach(() => document.body.replaceChildren());
const press = (target: EventTarget, key: string, more: KeyboardEventInit = {}) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

describe("buttons", () => {
  it("follow their properties and run their action", () => {
    const action = vi.fn();
    const button = new ComfyButton({ icon: "star", overIcon: "star-off", content: "A", tooltip: "T", classList: { one: true, two: false }, action });
    document.body.append(button.element);
    button.element.click();
    expect(action.mock.calls[0]?.[1]).toBe(button);
    button.element.dispatchEvent(new Event("mouseenter"));
    expect([button.iconElement.className, button.element.classList.contains("one"), button.element.classList.contains("two")]).toEqual(["mdi mdi-star-off", true, false]);
    button.content = $el("b");
    expect(button.contentElement.children.length).toBe(1);
    button.enabled = false;
    button.element.click();
    expect([action.mock.calls.length, button.element.disabled, button.element.classList.contains("disabled")]).toEqual([1, true, true]);
  });

  it("one that is tied to a setting hides and shows with it", () => {
    const settings = Object.assign(new EventTarget(), { value: false as boolean, getSettingValue: () => settings.value });
    const button = new ComfyButton({ content: "A", visibilitySetting: { id: "s", showValue: true }, app: { ui: { settings } } });
    expect(button.hidden).toBe(true);
    settings.value = true;
    settings.dispatchEvent(new CustomEvent("s.change"));
    expect(button.hidden).toBe(false);
  });

  it("an action that throws is told and stops nobody", () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
    new ComfyButton({ content: "A", action: () => { throw new Error("broken"); } }).element.click();
    expect(quiet).toHaveBeenCalledTimes(1);
    quiet.mockRestore();
  });

  it("in groups are inserted, appended and removed", () => {
    const [a, b, c] = ["a", "b", "c"].map((content) => new ComfyButton({ content })) as [ComfyButton, ComfyButton, ComfyButton];
    const group = new ComfyButtonGroup(a);
    group.append(c);
    group.insert(b, 1);
    expect(group.element.textContent).toBe("abc");
    expect([group.remove(b), group.remove(b), group.remove(0)]).toEqual([[b], undefined, [a]]);
    expect(group.element.textContent).toBe("c");
  });
});

describe("popups", () => {
  it("open at a click of their button, tell it, and close outside and by Escape", () => {
    const heard = vi.fn();
    const button = new ComfyButton({ content: "A" });
    const popup = new ComfyPopup({ target: button.element }, $el("div", "inside"));
    document.body.append(button.element);
    button.withPopup(popup);
    for (const type of ["open", "close"]) popup.addEventListener(type, () => heard(type));
    button.element.click();
    expect([popup.open, popup.element.classList.contains("open"), button.element.classList.contains("popup-open"), button.element.getAttribute("aria-expanded")]).toEqual([true, true, true, "true"]);
    popup.element.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    expect(popup.open).toBe(true);
    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    expect(popup.open).toBe(false);
    popup.open = true;
    press(document.body, "Escape");
    popup.toggle();
    popup.open = false;
    expect(heard.mock.calls.flat()).toEqual(["open", "close", "open", "close", "open", "close"]);
    popup.children = [$el("b", "new")];
    expect(popup.element.textContent).toBe("new");
  });

  it("of split buttons hold the other buttons", () => {
    const split = new ComfySplitButton({ primary: new ComfyButton({ content: "Save" }) }, new ComfyButton({ content: "Save as" }), $el("i", "more"));
    document.body.append(split.element);
    split.arrow.element.click();
    expect([split.popup.open, split.popup.element.textContent]).toEqual([true, "Save asmore"]);
  });
});

it("async dialogs answer with what the button stands for", async () => {
  const asked = ComfyAsyncDialog.prompt({ title: "<b>", message: "M", actions: ["Yes", { text: "No", value: 0 }] });
  expect(document.querySelector("dialog h3")?.textContent).toBe("<b>");
  [...document.querySelectorAll<HTMLButtonElement>("dialog button")].at(-1)?.click();
  await expect(asked).resolves.toBe(0);
  expect(document.querySelector("dialog")).toBeNull();
});

it("toggle switches tell the choice, the first one too", () => {
  const onChange = vi.fn();
  const element = toggleSwitch("mode", ["A", { text: "B", value: "b", selected: true }], { onChange });
  (element.querySelector("input") as HTMLInputElement).dispatchEvent(new Event("change"));
  expect(onChange.mock.calls).toEqual([[{ item: { text: "B", value: "b", selected: true } }], [{ item: "A", prev: { text: "B", value: "b", selected: true } }]]);
});

it("lists are sorted by keys and tell where an item went", () => {
  const list = $el("ul", ["a", "b", "c"].map((text) => $el("li", { tabIndex: 0, textContent: text })));
  document.body.append(list);
  const heard = vi.fn();
  const draggable = new DraggableList(list, "li");
  draggable.addEventListener("dragend", (event) => heard((event as CustomEvent).detail));
  const first = list.firstElementChild as HTMLElement;
  press(first, "ArrowDown", { altKey: true });
  expect([list.textContent, heard.mock.calls]).toEqual(["bac", [[{ element: first, oldPosition: 0, newPosition: 1 }]]]);
  draggable.dispose();
  press(first, "ArrowDown", { altKey: true });
  expect(list.textContent).toBe("bac");
});

it.each([
  [4, 100, 100, { cols: 2, rows: 2, cellWidth: 50, cellHeight: 50, shiftX: 0 }], [3, 300, 100, { cols: 3, rows: 1, cellWidth: 100, cellHeight: 100, shiftX: 0 }],
  [1, 200, 100, { cols: 1, rows: 1, cellWidth: 100, cellHeight: 100, shiftX: 50 }], [2, 100, 200, { cols: 1, rows: 2, cellWidth: 100, cellHeight: 100, shiftX: 0 }],
])("%i square images in %i × %i", (count, width, height, expected) => {
  expect(calculateImageGrid(Array.from({ length: count }, () => ({ naturalWidth: 64, naturalHeight: 64 })), width, height)).toEqual(expected);
});

it("image hosts show a node's images", () => {
  const host = createImageHost({ imageIndex: 1 });
  const images = [new Image(), new Image()];
  host.updateImages(images);
  expect([host.el.children.length, host.getCurrentImage() === images[1]]).toEqual([2, true]);
});

it.each([["a b", "x a b"], [["a", "b"], "x a b"], [{ a: 1, b: 0 }, "x a"], [undefined, "x"]])("classes %o", (given, expected) => {
  const element = $el("i");
  applyClasses(element, given as never, "x");
  expect(element.className).toBe(expected);
});

it("toggled elements come back to their place", () => {
  const [a, b] = [$el("i", "a"), $el("i", "b")];
  document.body.append(a, b);
  const toggle = toggleElement(a);
  toggle(false);
  expect(document.body.textContent).toBe("b");
  toggle(true);
  expect(document.body.textContent).toBe("ab");
});

describe("the lists of the old menu", () => {
  it.each([
    ["Queue", { queue_running: [[3, "p3"]], queue_pending: [[4, "p4"]] }, ["3: Running Cancel", "4: Pending Delete"], 0, "/interrupt", { prompt_id: "p3" }],
    ["History", { p1: { prompt: [1, "p1"], status: { status_str: "success" } } }, ["1: success Delete"], 0, "/history", { delete: ["p1"] }],
  ] as const)("%s", async (name, answer, shown, click, route, body) => {
    const fetchApi = vi.fn(async (_route: string, _options?: RequestInit) => new Response(JSON.stringify(answer)));
    const list = new ComfyList(Object.assign(new EventTarget(), { fetchApi }), name);
    await list.show();
    const rows = [...list.element.querySelectorAll(".comfy-list-items")];
    expect(rows.map(({ textContent }) => textContent)).toEqual(shown);
    rows[click]?.querySelector("button")?.click();
    expect(fetchApi.mock.calls.find(([called, options]) => called === route && options)?.[1]?.body).toBe(JSON.stringify(body));
    list.hide();
    expect(list.visible).toBe(false);
  });
});

describe("inputs of settings", () => {
  it.each([
    ["options of a function, with the value among them", { id: "a", type: "combo", options: (value: unknown) => [{ text: "Now", value }, "other"] }, 5, "Now,other"],
    ["a value that is no option any more stays", { id: "a", type: "combo", options: ["x"] }, "gone", "gone,x"],
  ])("%s", (_, params, value, expected) => {
    const select = settingInput(params as never, value, () => undefined) as HTMLSelectElement;
    expect([[...select.options].map(({ text }) => text).join(), select.selectedIndex]).toEqual([expected, 0]);
  });

  it.each([["ff0000", "00ff00", "00ff00"], ["#ff0000", "00ff00", "#00ff00"]])("a colour kept as %s", (before, picked, kept) => {
    const change = vi.fn();
    const input = settingInput({ id: "a", type: "color" }, before, change)?.querySelector("input") as HTMLInputElement;
    input.value = `#${picked}`;
    input.dispatchEvent(new Event("change"));
    expect(change).toHaveBeenCalledWith(kept);
  });

  it("a renderer that throws costs its own row", () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(settingInput({ id: "a", type: () => { throw new Error("broken"); } }, 1, () => undefined)).toBeNull();
    quiet.mockRestore();
  });
});

import { beforeEach, describe, expect, it, vi } from "vitest";
import { fakeApp } from "./fake-app";

let page: ReturnType<typeof fakeApp>;
const wait = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => { page = fakeApp(); });

/** Opens the category's page and gives its input. */
function input(id: string, category = "T"): HTMLInputElement {
  page.editor.openSettings(`pack:${category}`);
  return page.$(`.cn-setting[data-id="${id}"]`).querySelector("input, select") as HTMLInputElement;
}

function change(element: HTMLInputElement, value: string | boolean): void {
  if (typeof value === "boolean") element.checked = value;
  else element.value = value;
  element.dispatchEvent(new Event("change"));
}

describe("values", () => {
  it("are told at registration and on change, kept by the server, and known by both interfaces", async () => {
    const onChange = vi.fn();
    page.register({ name: "x", settings: [{ id: "T.s.on", name: "On", type: "boolean", defaultValue: false, onChange }] });
    expect(onChange.mock.calls).toEqual([[false, undefined]]);
    await page.manager.setting.set("T.s.on", true);
    expect(onChange.mock.calls.at(-1)).toEqual([true, false]);
    expect(page.saved).toContainEqual(["/settings/T.s.on", true]);
    expect([page.manager.setting.get("T.s.on"), page.ui.settings.getSettingValue("T.s.on")]).toEqual([true, true]);
  });

  it("chosen before are there when a pack declares the setting", async () => {
    page = fakeApp({ "T.s.text": "chosen", "T.s.list": [1] });
    await page.ui.settings.load();
    const onChange = vi.fn();
    const setting = page.ui.settings.addSetting({ id: "T.s.text", name: "Text", type: "text", defaultValue: "d", onChange });
    expect([setting.value, onChange.mock.calls]).toEqual(["chosen", [["chosen", undefined]]]);
    const list = page.ui.settings.getSettingValue("T.s.list") as number[];
    list.push(2);
    await page.ui.settings.setSettingValueAsync("T.s.list", list);
    expect(page.saved.at(-1)).toEqual(["/settings/T.s.list", [1, 2]]);
  });

  it.each([
    ["the chosen value before a fallback", "chosen", "fallback", "chosen"], ["a fallback before the default", undefined, "fallback", "fallback"],
    ["the default", undefined, undefined, "default"],
  ])("%s", (_, chosen, fallback, expected) => {
    page.ui.settings.addSetting({ id: "a", type: "text", defaultValue: "default" });
    if (chosen) page.ui.settings.setSettingValue("a", chosen);
    expect(page.ui.settings.getSettingValue("a", fallback)).toBe(expected);
  });

  it("a pack may wrap onChange of a setting that exists, and hear changes as events", async () => {
    const [wrapped, heard] = [vi.fn(), vi.fn()];
    const locale = page.ui.settings.settingsLookup["Comfy.Locale"];
    if (locale) locale.onChange = wrapped;
    page.ui.settings.addEventListener("Comfy.Locale.change", (event) => heard((event as CustomEvent).detail.value));
    await page.manager.setting.set("Comfy.Locale", "de");
    expect([wrapped.mock.calls, heard.mock.calls]).toEqual([[["de", "en"]], [["de"]]]);
  });

  it("the editor's own are seen and set under the reference's names", async () => {
    expect(page.manager.setting.get("Comfy.LinkRenderMode")).toBe(2);
    await page.manager.setting.set("Comfy.LinkRenderMode", 1);
    expect(page.editor.settings.values.linkMode).toBe("linear");
    page.editor.settings.set("linkMode", "hidden");
    expect(page.manager.setting.get("Comfy.LinkRenderMode")).toBe(-1);
  });

  it("an onChange that throws is told and stops nobody; one that comes too early is asked again", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const later = vi.fn(() => { if (later.mock.calls.length === 1) throw new ReferenceError("not yet"); });
    const last = vi.fn();
    page.register({ name: "x", settings: [
      { id: "T.bad", onChange: () => { throw new Error("broken"); } }, { id: "T.late", defaultValue: 4, onChange: later }, { id: "T.last", onChange: last },
    ] });
    await wait(5);
    expect(page.editor.packProblems.all.map(({ source, message }) => [source, message])).toEqual([["setting T.bad", "broken"]]);
    expect([later.mock.calls.length, last.mock.calls.length]).toEqual([2, 1]);
    quiet.mockRestore();
  });
});

describe("the dialog", () => {
  it.each([
    ["boolean", { defaultValue: false }, true, true], ["text", { defaultValue: "a" }, "<b>", "<b>"], ["number", { defaultValue: 1, attrs: { min: 0, max: 5 } }, "9", 5],
    ["slider", { defaultValue: 1, attrs: { min: 0, max: 5 } }, "3", 3], ["combo", { defaultValue: 1, options: [{ text: "One", value: 1 }, "two"] }, "1", "two"],
    ["color", { defaultValue: "ff0000" }, "#00ff00", "00ff00"], ["unknown-type", { defaultValue: "a" }, "b", "b"],
  ])("%s", (type, more, typed, stored) => {
    page.register({ name: "x", settings: [{ id: "T.s.it", name: "<i>Name</i>", type, ...more } as never] });
    const element = input("T.s.it");
    expect(page.$(".cn-setting[data-id] .cn-setting-name").textContent).toContain("<i>Name</i>");
    change(element, typed as never);
    expect(page.manager.setting.get("T.s.it")).toBe(stored);
  });

  it.each([
    [{ id: "plain" }, "Other", "plain"], [{ id: "A.B.C.d" }, "A", "B"], [{ id: "A.B", category: ["Cat", "Sec", "third"] }, "Cat", "Sec"],
  ])("%o stands where its id or category says", (place, category, section) => {
    page.register({ name: "x", settings: [{ name: "It", type: "boolean", ...place }] });
    page.editor.openSettings(`pack:${category}`);
    expect([page.$(".cn-settings-content h3").textContent, page.$(".cn-settings-content h4").textContent]).toEqual([category, section]);
  });

  it("shows no hidden settings, takes old rows, and finds by words", () => {
    page.register({ name: "x", settings: [{ id: "T.s.hidden", name: "Hidden", type: "hidden" }, { id: "T.s.shown", name: "Shown", type: "boolean", tooltip: "A longer word" }] });
    page.ui.settings.addSetting({ id: "T.old", name: "Old row", type: (name, setter) => {
      const row = document.createElement("tr");
      row.innerHTML = `<td>${name}</td><td><button>x</button></td>`;
      row.querySelector("button")?.addEventListener("click", () => setter("set"));
      return row;
    } });
    page.editor.openSettings("pack:T");
    expect([...document.querySelectorAll<HTMLElement>(".cn-setting")].map(({ dataset }) => dataset.id)).toEqual(["T.s.shown", "T.old"]);
    page.$(".cn-setting-table button").click();
    expect(page.manager.setting.get("T.old")).toBe("set");
    const search = page.$("input[type=search]") as HTMLInputElement;
    search.value = "longer";
    search.dispatchEvent(new Event("input"));
    expect([...document.querySelectorAll<HTMLElement>(".cn-setting:not([hidden])")].map(({ dataset }) => dataset.id)).toEqual(["T.s.shown"]);
  });

  it("opens and closes by the older interface, and by Escape", () => {
    page.ui.settings.show();
    expect(page.editor.settingsDialog.isOpen).toBe(true);
    (page.ui.settings.element as HTMLDialogElement).close();
    expect(page.editor.settingsDialog.isOpen).toBe(false);
    page.ui.settings.show();
    page.press(page.$(".cn-settings"), "Escape");
    expect(page.editor.settingsDialog.isOpen).toBe(false);
  });
});

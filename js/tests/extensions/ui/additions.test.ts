import { beforeEach, describe, expect, it, vi } from "vitest";
import { $el } from "../../../src/extensions/ui/element";
import type { ComfyDialog as Dialog } from "../../../src/extensions/ui/dialog";
import { fakeApp } from "./fake-app";
import { uiExports } from "../../../src/extensions/ui";

let page: ReturnType<typeof fakeApp>;
const wait = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() => { page = fakeApp(); });

describe("$el", () => {
  it("makes elements from tag, classes, properties and children", () => {
    const parent = document.createElement("div");
    const seen = vi.fn();
    const element = $el<HTMLLabelElement>("label.a.b", { parent, for: "x", textContent: "T", style: { color: "red" }, dataset: { id: "7" }, onclick: seen, $: seen }, [$el("b"), null, false, "text"] as never);
    expect([element.className, element.htmlFor, element.dataset.id, element.style.color, element.textContent]).toEqual(["a b", "x", "7", "red", "Ttext"]);
    expect([parent.firstChild, seen.mock.calls[0]?.[0], element.children.length]).toEqual([element, element, 1]);
    expect([$el("p", "text").textContent, $el("p", [$el("i"), $el("i")]).children.length, $el("p", $el("i")).children.length, $el("p").hasAttribute("class")]).toEqual(["text", 2, 1, false]);
  });
});

describe("commands and keys", () => {
  const hello = vi.fn();
  beforeEach(() => {
    hello.mockClear();
    page.register({ name: "x", commands: [{ id: "x.hello", label: "Hello", function: hello }],
      keybindings: [{ combo: { key: "k", ctrl: true }, commandId: "x.hello" }, { combo: { key: "j" }, commandId: "x.hello" }, { combo: { key: "z", ctrl: true }, commandId: "x.hello" },
        { combo: { key: "q" }, commandId: "x.hello", targetElementId: "graph-canvas" }] });
  });

  it("keys run them on the canvas and with nothing focused, not while typing, and not instead of the editor's own", () => {
    const canvas = page.$("#graph-canvas");
    const field = $el("input", { parent: page.root, type: "text" });
    for (const [target, key, more] of [[canvas, "k", { ctrlKey: true }], [document.body, "j", {}], [canvas, "q", {}]] as const) page.press(target, key, more);
    expect(hello).toHaveBeenCalledTimes(3);
    for (const [target, key, more] of [[field, "k", { ctrlKey: true }], [field, "j", {}], [page.root, "q", {}], [canvas, "z", { ctrlKey: true }]] as const) page.press(target, key, more);
    expect(hello).toHaveBeenCalledTimes(3);
    expect(page.ran).toEqual(["undo"]);
  });

  it("some keys of the editor give way", () => {
    Object.assign(page.editor.commands.get("full-size"), { yields: true });
    page.editor.commands.bind("f", "full-size");
    page.register({ name: "y", commands: [{ id: "y.fill", label: "Fill", function: hello }], keybindings: [{ combo: { key: "f" }, commandId: "y.fill" }] });
    page.press(page.$("#graph-canvas"), "f");
    expect([hello.mock.calls.length, page.ran, page.editor.commands.get("full-size").keys]).toEqual([1, [], []]);
  });

  it("keys reach packs that listen on the window, also those that ran a command", () => {
    const heard = vi.fn();
    window.addEventListener("keydown", heard);
    page.press(page.$("#graph-canvas"), "k", { ctrlKey: true });
    page.press(page.$("#graph-canvas"), "y");
    window.removeEventListener("keydown", heard);
    expect(heard.mock.calls.map(([event]) => [event.key, event.defaultPrevented])).toEqual([["k", true], ["y", false]]);
  });

  it("execute runs them, also the editor's under the reference's names; a replaced function is what the editor runs", async () => {
    await page.manager.command.execute("x.hello");
    await page.manager.command.execute("Comfy.ExportWorkflowAPI");
    expect([hello.mock.calls.length, page.ran]).toEqual([1, ["save-api"]]);
    const command = page.manager.command.commands.find(({ id }) => id === "Comfy.ExportWorkflowAPI");
    if (command) command.function = hello;
    page.editor.commands.run("save-api");
    expect([hello.mock.calls.length, page.ran]).toEqual([2, ["save-api"]]);
    await expect(page.manager.command.execute("nothing")).rejects.toThrow("nothing");
  });

  it("a command that throws is told under its id", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
    hello.mockImplementationOnce(() => { throw new Error("broken"); });
    page.press(page.$("#graph-canvas"), "j");
    await wait();
    expect(page.editor.packProblems.all.map(({ source, message }) => [source, message])).toEqual([["command x.hello", "broken"]]);
    quiet.mockRestore();
  });

  it("stand in the main menu under the path they name", () => {
    page.register({ name: "y", menuCommands: [{ path: ["Tools", "More"], commands: ["x.hello", "gone"] }] });
    page.editor.toolbar.menuButton.click();
    expect(page.$(".cn-dropdown-title").textContent).toBe("Tools › More");
    const entry = [...document.querySelectorAll<HTMLElement>(".cn-dropdown button")].find((button) => button.textContent?.includes("Hello"));
    expect(entry?.querySelector("kbd")?.textContent).toBe("Ctrl+K");
    entry?.click();
    expect(hello).toHaveBeenCalledTimes(1);
  });

  it("for what is selected stand above it and get it", () => {
    page.register({ name: "y", getSelectionToolboxCommands: (item) => ((item as { big?: boolean }).big ? ["x.hello"] : []) });
    page.select({ big: false });
    expect(page.$(".cn-toolbox").hidden).toBe(true);
    const item = { big: true };
    page.select(item);
    page.$(".cn-toolbox button").click();
    expect(hello).toHaveBeenCalledWith(item);
  });

  it("an extension that is registered again replaces what it had", () => {
    for (const text of ["one", "two"]) page.register({ name: "again", topbarBadges: [{ text }], menuCommands: [{ path: [text], commands: ["x.hello"] }], commands: [{ id: "x.again", label: text, function: hello }] });
    page.editor.toolbar.menuButton.click();
    expect([...document.querySelectorAll(".cn-bar-badge, .cn-dropdown-title")].map(({ textContent }) => textContent)).toEqual(["two", "two"]);
    expect(page.manager.command.commands.filter(({ id }) => id === "x.again").map(({ label }) => label)).toEqual(["two"]);
  });
});

describe("messages and questions", () => {
  it("toasts show text, stay without life, and are removed", async () => {
    const message = { severity: "warn", summary: "<b>S</b>", detail: "D" };
    page.manager.toast.add(message);
    page.manager.toast.add({ summary: "short", life: 5 });
    await wait(30);
    expect([...document.querySelectorAll(".cn-toast-text")].map(({ textContent }) => textContent)).toEqual(["<b>S</b>D"]);
    page.manager.toast.remove(message);
    expect(document.querySelectorAll(".cn-toast").length).toBe(0);
    page.manager.toast.addAlert("careful");
    const id = page.manager.toast.loading("wait");
    page.manager.toast.dismiss(id);
    expect([...document.querySelectorAll(".cn-toast-text span")].map(({ textContent }) => textContent)).toEqual(["careful"]);
    page.manager.toast.removeAll();
    expect(document.querySelectorAll(".cn-toast").length).toBe(0);
  });

  it.each([["OK", "typed"], ["Cancel", null]])("prompt, %s", async (button, answer) => {
    const asked = page.manager.dialog.prompt({ title: "T", message: "M", defaultValue: "typed" });
    [...document.querySelectorAll<HTMLButtonElement>(".cn-dialog button")].find(({ textContent }) => textContent === button)?.click();
    await expect(asked).resolves.toBe(answer);
  });

  it.each([
    ["default", "Confirm", true], ["delete", "Delete", true], ["overwrite", "Cancel", null], ["dirtyClose", "Don’t save", false], ["dirtyClose", "Save", true], ["reinstall", "Reinstall", true],
  ])("confirm %s, %s", async (type, button, answer) => {
    const asked = page.manager.dialog.confirm({ title: "T", message: "M", type, itemList: ["<a>"], hint: "H" });
    expect(page.$(".cn-dialog-items").textContent).toBe("<a>");
    [...document.querySelectorAll<HTMLButtonElement>(".cn-dialog button")].find(({ textContent }) => textContent === button)?.click();
    await expect(asked).resolves.toBe(answer);
  });

  it("the old dialog takes HTML and elements, closes by button and Escape, and gives the focus back", () => {
    const canvas = page.$("#graph-canvas");
    canvas.focus();
    const { dialog } = page.ui;
    dialog.show("<b>bold</b>");
    expect([dialog.element.style.display, dialog.textElement.innerHTML, dialog.element.contains(document.activeElement)]).toEqual(["flex", "<b>bold</b>", true]);
    page.press(dialog.element, "Escape");
    expect([dialog.element.style.display, document.activeElement]).toEqual(["none", canvas]);
    dialog.show($el("i"));
    dialog.element.querySelector("button")?.click();
    expect([dialog.textElement.children.length, dialog.element.style.display]).toEqual([1, "none"]);
  });

  it("a pack's own dialog may replace the buttons", () => {
    const { ComfyDialog } = uiExports.ui as { ComfyDialog: typeof Dialog };
    class Own extends ComfyDialog {
      override createButtons() { return [$el("button", { textContent: "Mine" }), ...super.createButtons()]; }
    }
    expect([...new Own().element.querySelectorAll("button")].map(({ textContent }) => textContent)).toEqual(["Mine", "Close"]);
  });
});

describe("tabs", () => {
  it("of the sidebar are shown, keep their state, and can go", () => {
    const render = vi.fn((element: HTMLElement) => { element.innerHTML = "<input>"; });
    const destroy = vi.fn();
    page.manager.registerSidebarTab({ id: "t", title: "Tab", icon: "pi pi-x", type: "custom", render });
    page.manager.registerSidebarTab({ id: "u", title: "Other", type: "custom", render: (element) => element.append("other"), destroy });
    const [first, second] = [...document.querySelectorAll<HTMLElement>(".cn-rail-button")];
    expect(page.$(".cn-side-panel").hidden).toBe(true);
    first?.click();
    (page.$(".cn-side-body input") as HTMLInputElement).value = "typed";
    page.$(".cn-rail-button[data-tab=u]").click();
    expect([page.$(".cn-side-body").textContent, page.$(".cn-side-panel h2").textContent, second?.getAttribute("aria-label")]).toEqual(["other", "Other", "Other"]);
    page.manager.sidebarTab.toggleSidebarTab("t");
    expect([(page.$(".cn-side-body input") as HTMLInputElement).value, render.mock.calls.length, destroy.mock.calls.length]).toEqual(["typed", 1, 1]);
    page.press(page.$(".cn-side-body input"), "Escape");
    expect(page.$(".cn-side-panel").hidden).toBe(true);
    page.manager.unregisterSidebarTab("t");
    page.manager.unregisterSidebarTab("u");
    expect(document.querySelectorAll(".cn-rail-button").length).toBe(0);
  });

  it("of the bottom panel open by the button, by the command, and one that throws costs itself", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => undefined);
    page.register({ name: "x", bottomPanelTabs: [{ id: "bad", title: "Bad", render: () => { throw new Error("broken"); } }, { id: "good", title: "Good", render: (element) => element.append("good") }] });
    const button = page.$(".cn-toolbar [aria-label='Bottom panel']");
    button.click();
    expect([button.hidden, page.$(".cn-bottom-panel").hidden, page.editor.packProblems.all.length]).toEqual([false, false, 1]);
    [...document.querySelectorAll<HTMLElement>(".cn-bottom-tab")][1]?.click();
    expect(page.$(".cn-bottom-body").textContent).toBe("good");
    await page.manager.command.execute("Workspace.ToggleBottomPanel");
    expect(page.$(".cn-bottom-panel").hidden).toBe(true);
    await page.manager.command.execute("Workspace.ToggleBottomPanel");
    expect(page.$(".cn-bottom-body").textContent).toBe("good");
    quiet.mockRestore();
  });
});

describe("the page as packs look for it", () => {
  it.each(["#graph-canvas", "#comfy-file-input", "#queue-button", "#comfy-refresh-button", ".comfy-menu", "#comfy-load-default-button", "#comfy-save-button", ".comfy-settings-btn",
    ".comfyui-body-top", ".comfyui-body-left", ".comfyui-body-right", ".comfyui-body-bottom", ".comfyui-menu", ".side-tool-bar-container", ".graph-canvas-container"])("%s", (selector) => {
    expect(document.querySelectorAll(selector).length).toBe(1);
  });

  it("a click on a button of the old menu does what it says", () => {
    page.$("#queue-button").click();
    page.$("#queue-front-button").click();
    page.$("#comfy-refresh-button").click();
    expect(page.app.queuePrompt.mock.calls).toEqual([[0, 1], [-1, 1]]);
    expect(page.ran).toEqual(["refresh"]);
  });

  it("what packs append to the menus is in the toolbar", () => {
    page.ui.menuContainer.append($el("button.one"));
    document.querySelector(".comfy-menu")?.append($el("button.two"));
    const { ComfyButton } = uiExports.button as { ComfyButton: new (options: object) => { element: HTMLElement; enabled: boolean; hidden: boolean } };
    const { ComfyButtonGroup } = uiExports.buttonGroup as { ComfyButtonGroup: new (...buttons: unknown[]) => { element: HTMLElement } };
    const button = new ComfyButton({ icon: "star", tooltip: "Star", content: "<b>html</b>" });
    page.menu.settingsGroup.append(button as never);
    page.menu.settingsGroup.element.before(new ComfyButtonGroup($el("button.three")).element);
    for (const selector of [".one", ".two", ".three", ".mdi-star"]) expect(page.editor.toolbar.element.querySelector(selector)).not.toBeNull();
    button.enabled = false;
    button.hidden = true;
    expect([button.element.hasAttribute("disabled"), button.element.hidden, button.element.title]).toEqual([true, true, "Star"]);
  });

  it("the queue's size follows the server", () => {
    page.api.dispatchEvent(new CustomEvent("status", { detail: { exec_info: { queue_remaining: 3 } } }));
    expect([page.ui.lastQueueSize, page.ui.queueSize.textContent]).toEqual([3, "Queue size: 3"]);
  });

  it("the number of runs is the toolbar's", () => {
    page.ui.batchCount = 4;
    expect([page.editor.toolbar.batch, page.ui.batchCount]).toEqual([4, 4]);
  });

  it("colours of the reference's names follow the editor's theme", async () => {
    expect(document.documentElement.classList.contains("dark-theme")).toBe(true);
    expect(page.manager.setting.get("Comfy.ColorPalette")).toBe("dark");
    page.root.dataset.theme = "light"; // as the notebook has it
    await wait(5);
    expect([document.documentElement.dataset.theme, document.body.classList.contains("dark-theme"), page.manager.setting.get("Comfy.ColorPalette"), page.editor.settings.values.theme]).toEqual(["light", false, "light", "notebook"]);
    await page.manager.setting.set("Comfy.ColorPalette", "dark");
    expect(page.editor.settings.values.theme).toBe("dark");
    for (const name of ["comfy-menu-bg", "input-text", "bg-color", "descrip-text", "border-color", "fg-color", "comfy-input-bg", "content-bg"]) expect(document.head.textContent).toContain(`--${name}:`);
  });

  it("markdown becomes HTML in which markup of the text stays text", () => {
    expect(page.manager.renderMarkdownToHtml("**b** <img src=x onerror=alert(1)>")).toBe("<p><strong>b</strong> &lt;img src=x onerror=alert(1)&gt;</p>");
  });

  it("links of the about page lead to the web alone", () => {
    page.register({ name: "x", aboutPageBadges: [{ label: "Site", url: "https://example.com" }, { label: "Bad", url: "javascript:alert(1)" }] });
    page.editor.openSettings("about");
    expect([...document.querySelectorAll(".cn-about-links a")].map(({ textContent }) => textContent)).toEqual(["Site"]);
  });
});

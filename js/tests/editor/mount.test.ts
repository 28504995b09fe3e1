import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Host, HostEvent, HostRequest, KernelState } from "../../src/host";
import { apply, type Document, type Patch } from "../../src/editor/patch";
import { FakeView } from "./fake-view";

vi.mock("../../src/graph", () => ({ GraphView: FakeView, Clipspace: { clipspace: null, onClipspaceEditorClosed: () => undefined } }));
const { mount } = await import("../../src/editor");

const INFO = { A: { display_name: "Node A", category: "test", output_node: true }, B: { display_name: "Node <b>", category: "test" } };

class FakeHost implements Host {
  readonly editorId = "e1";
  readonly viewId = "v1";
  kernel: KernelState = "connected";
  theme = { dark: true, variables: { "--host-font": "serif" } };
  rev = 1;
  document: Document = { nodes: [{ id: 1, type: "A", pos: [0, 0], size: [1, 1], widgets_values: [1] }, { id: 2, type: "Gone", pos: [0, 0], size: [1, 1] }], links: [], version: 0.4 };
  requests: [string, HostRequest][] = [];
  down = false;
  answers: Record<string, () => Response> = {};
  full: boolean[] = [];
  private readonly event = new Set<(event: HostEvent) => void>();
  private readonly kernels = new Set<(state: KernelState) => void>();
  private readonly themes = new Set<(theme: Host["theme"]) => void>();

  async request(path: string, options: HostRequest = {}): Promise<Response> {
    this.requests.push([path, options]);
    if (this.down) throw new Error("The kernel does not answer.");
    const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
    const route = path.split("?")[0] as string;
    if (this.answers[route]) return (this.answers[route] as () => Response)();
    if (route === "/object_info") return json(INFO);
    if (route === "/cn/editors/e1") return json({ id: "e1", rev: this.rev, title: "My: flow", results: { outputs: { "1": { images: [] } } } });
    if (route.endsWith("/document")) return json({ rev: this.rev, document: this.document });
    if (route.endsWith("/patch")) {
      this.document = apply(this.document, (JSON.parse(options.body as string) as { patch: Patch }).patch);
      return json({ rev: ++this.rev });
    }
    if (route.endsWith("/run")) return json({ prompt_id: "p1", number: 1, node_errors: {} });
    return json({});
  }

  private listen<T>(set: Set<T>, listener: T): () => void {
    set.add(listener);
    return () => void set.delete(listener);
  }
  onEvent = (listener: (event: HostEvent) => void) => this.listen(this.event, listener);
  onKernel = (listener: (state: KernelState) => void) => this.listen(this.kernels, listener);
  onTheme = (listener: (theme: Host["theme"]) => void) => this.listen(this.themes, listener);
  private readonly fulls = new Set<(on: boolean) => void>();
  onFullSize = (listener: (on: boolean) => void) => this.listen(this.fulls, listener);
  setFullSize = (on: boolean) => {
    this.full.push(on);
    this.fulls.forEach((listener) => listener(on));
  };
  setHeight = () => undefined;
  listeners = () => this.event.size + this.kernels.size + this.themes.size;
  send = (type: string, data: unknown) => this.event.forEach((listener) => listener({ type, data, buffers: [] }));
  setKernel(state: KernelState) {
    this.kernel = state;
    this.kernels.forEach((listener) => listener(state));
  }
}

let host: FakeHost;
let box: HTMLElement;
let unmount: () => void;
const view = () => FakeView.last;
const $ = (selector: string) => box.querySelector<HTMLElement>(selector) as HTMLElement;
const wait = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const press = (key: string, init: KeyboardEventInit = {}) => $("canvas").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }));
const patches = () => host.requests.filter(([path]) => path.endsWith("/patch")).map(([, { body }]) => JSON.parse(body as string));

const open = async () => { unmount = await mount(box, host); };

beforeEach(() => {
  localStorage.clear();
  host = new FakeHost();
  box = document.createElement("div");
  document.body.replaceChildren(box);
});
afterEach(() => unmount?.());

describe("start", () => {
  it("shows the document, what ran before and what is not installed", async () => {
    await open();
    expect(view().document.nodes.map((node) => node.type)).toEqual(["A", "Gone"]);
    expect(view().calls).toContainEqual(["setOutputs", "1", { images: [] }]);
    expect($(".cn-toasts").textContent).toContain("Gone");
    expect($(".cn-editor").style.getPropertyValue("--host-font")).toBe("serif");
  });

  it("says when the kernel does not answer, and Retry starts again", async () => {
    host.down = true;
    await open();
    expect($(".cn-failure").textContent).toContain("The kernel does not answer.");
    host.down = false;
    $(".cn-failure button").click();
    await wait();
    await wait();
    expect(box.querySelector(".cn-failure")).toBeNull();
    expect($(".cn-toolbar")).not.toBeNull();
  });

  it("goes without a trace", async () => {
    await open();
    unmount();
    expect(box.childElementCount).toBe(0);
    expect([host.listeners(), view().listenerCount(), view().destroyed]).toEqual([0, 0, true]);
  });
});

describe("the document", () => {
  beforeEach(open);

  it("edits reach the kernel as patches, undo too", async () => {
    view().edit((node) => { node.widgets_values = [5]; }, 1);
    await wait(200);
    expect(patches()).toMatchObject([{ view: "v1", base: 1, patch: { nodes: { set: [{ id: 1, widgets_values: [5] }] } } }]);
    press("z", { ctrlKey: true });
    expect(view().document.nodes[0]?.widgets_values).toEqual([1]);
    await wait(200);
    expect((host.document.nodes as { widgets_values: unknown }[])[0]?.widgets_values).toEqual([1]);
    press("y", { ctrlKey: true });
    expect(view().document.nodes[0]?.widgets_values).toEqual([5]);
  });

  it("follows patches of others, ignores its own, and another document can be undone", async () => {
    host.send("cn.document", { editor: "e1", rev: 2, view: "v1", patch: { nodes: { remove: [1] } } });
    expect(view().document.nodes.length).toBe(2);
    host.send("cn.document", { editor: "e1", rev: 2, view: null, patch: { nodes: { remove: [2] } } });
    expect(view().document.nodes.length).toBe(1);
    host.document = { nodes: [], links: [] };
    host.rev = 3;
    host.send("cn.document_reset", { editor: "e1", rev: 3 });
    await wait();
    expect(view().document.nodes.length).toBe(0);
    press("z", { ctrlKey: true });
    expect(view().document.nodes.length).toBe(1);
  });

  it("new nodes are in the search at once", async () => {
    host.send("cn.nodes_changed", { set: { V: { display_name: "Vignette", category: "image", python_module: "__main__" } }, remove: ["B"] });
    view().emit("empty-double-click", { pos: [3, 4], client: [30, 40] });
    const input = $(".cn-search-input") as HTMLInputElement;
    input.value = "vign";
    input.dispatchEvent(new Event("input"));
    expect($(".cn-search-row").textContent).toContain("Notebook");
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(view().document.nodes.at(-1)).toMatchObject({ type: "V", pos: [3, 4] });
  });

  it("a link dropped on nothing offers what fits and connects it", () => {
    const from = { node: 1, slot: 0, input: false, type: "IMAGE" };
    view().emit("empty-release", { pos: [1, 2], client: [1, 2], from, shift: false });
    expect($(".cn-empty").textContent).toContain("take IMAGE");
    $(".cn-search .cn-chip").click();
    $(".cn-search-row").click();
    expect(view().calls).toContainEqual(["addNode", "B", { select: true, connectFrom: from }]);
  });

  it("a lost kernel is said, the graph stays, and edits are sent when it is back", async () => {
    host.setKernel("lost");
    expect($(".cn-banner").textContent).toContain("Run the cell again");
    view().edit((node) => { node.widgets_values = [9]; }, 1);
    await wait(200);
    expect(patches()).toEqual([]);
    host.setKernel("connected");
    await wait(250);
    expect($(".cn-banner").hidden).toBe(true);
    expect(patches().length).toBe(1);
  });
});

describe("runs", () => {
  beforeEach(open);

  it("Ctrl+Enter saves first, then runs; the bar shows the node; the end is shown", async () => {
    view().edit((node) => { node.widgets_values = [5]; }, 1);
    press("Enter", { ctrlKey: true });
    await wait(20);
    const order = host.requests.map(([path]) => path.split("/").at(-1)).filter((name) => ["patch", "run"].includes(name ?? ""));
    expect(order).toEqual(["patch", "run"]);
    host.send("execution_start", { prompt_id: "p1" });
    host.send("executing", { node: "1", display_node: "1", prompt_id: "p1" });
    host.send("progress", { node: "1", value: 3, max: 4, prompt_id: "p1" });
    expect($(".cn-status").textContent).toContain("3/4");
    expect($(".cn-progress").getAttribute("aria-valuenow")).toBe("75");
    expect($(".cn-cancel").hidden).toBe(false);
    host.send("execution_success", { prompt_id: "p1" });
    expect($(".cn-status").textContent).toContain("Done");
    expect($(".cn-cancel").hidden).toBe(true);
  });

  it("an error is marked, listed, found by a click, and its traceback is text", () => {
    host.send("execution_start", { prompt_id: "p1" });
    host.send("execution_error", { prompt_id: "p1", node_id: "1", exception_message: "<img src=x onerror=alert(1)>", exception_type: "ValueError", traceback: ["<script>"] });
    expect(view().calls.some(([name, id]) => name === "setError" && id === "1")).toBe(true);
    expect($(".cn-problems").querySelector("img, script")).toBeNull();
    expect($(".cn-problems p").textContent).toContain("<img");
    $(".cn-problem-node").click();
    expect(view().selected).toEqual([1]);
  });

  it("the batch count runs as often", async () => {
    $(".cn-run-more").click();
    const count = $(".cn-dropdown input") as HTMLInputElement;
    count.value = "3";
    count.dispatchEvent(new Event("change"));
    expect($(".cn-run").textContent).toBe("Run × 3");
    $(".cn-run").click();
    await wait(20);
    expect(host.requests.filter(([path]) => path.endsWith("/run")).length).toBe(3);
  });

  it("only selected outputs", async () => {
    view().selected = [1, 2];
    $(".cn-run-more").click();
    [...box.querySelectorAll<HTMLElement>(".cn-dropdown button")].find((button) => button.textContent?.includes("selected"))?.click();
    await wait(20);
    const body = host.requests.find(([path]) => path.endsWith("/run"))?.[1].body as string;
    expect(JSON.parse(body).targets).toEqual(["1"]);
  });
});

describe("the keyboard and a lost kernel", () => {
  beforeEach(open);

  it("Escape deselects first and leaves full size then, wherever the focus is", () => {
    view().selected = [1];
    $("button[aria-label='Full size']").click();
    expect(host.full).toEqual([true]);
    press("Escape");
    expect(view().selected).toEqual([]);
    expect(host.full).toEqual([true]);
    $("button[aria-label='Full size']").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(host.full).toEqual([true, false]);
    press("Escape");
    expect(host.full).toEqual([true, false]);
  });

  it("without a kernel nothing is sent or edited, and the workflow can be copied", async () => {
    const copied: string[] = [];
    vi.stubGlobal("navigator", { ...navigator, platform: "", clipboard: { writeText: async (text: string) => void copied.push(text) } });
    host.setKernel("lost");
    const before = host.requests.length;
    view().emit("change", { kind: "widget" });
    press("Enter", { ctrlKey: true });
    expect($(".cn-run").hasAttribute("disabled")).toBe(true);
    expect(view().calls.findLast(([name]) => name === "setReadOnly")).toEqual(["setReadOnly", true]);
    const buttons = [...$(".cn-banner").querySelectorAll("button")];
    expect(buttons.map((button) => button.textContent)).toEqual(["Copy workflow", "Download workflow"]);
    buttons[0]?.click();
    await wait(700);
    expect(JSON.parse(copied[0] ?? "{}").nodes.length).toBe(2);
    expect(host.requests.length).toBe(before);
    host.setKernel("connected");
    expect($(".cn-banner").hidden).toBe(true);
    expect($(".cn-run").hasAttribute("disabled")).toBe(false);
    vi.unstubAllGlobals();
  });
});

describe("files and dialogs", () => {
  beforeEach(open);

  it("a file without a workflow is refused with the reason, the graph stays", async () => {
    host.answers["/cn/editors/e1/open"] = () => new Response(JSON.stringify({ error: { message: "This PNG holds no workflow." } }), { status: 400 });
    const drop = new Event("drop", { bubbles: true, cancelable: true }) as DragEvent;
    Object.assign(drop, { dataTransfer: { files: [new File(["x"], "a.json", { type: "application/json" })] }, clientX: 1, clientY: 1 });
    $("canvas").dispatchEvent(drop);
    await wait(20);
    expect($(".cn-toasts").textContent).toContain("This PNG holds no workflow.");
    expect(view().document.nodes.length).toBe(2);
  });

  it("pasting a workflow opens it, pasting nodes pastes them", async () => {
    const paste = (text: string) => {
      const event = new Event("paste", { bubbles: true, cancelable: true }) as ClipboardEvent;
      Object.assign(event, { clipboardData: { files: [], getData: () => text } });
      $("canvas").dispatchEvent(event);
    };
    paste('{"copied": [1]}');
    expect(view().calls.find(([name]) => name === "paste")).toMatchObject(["paste", { text: '{"copied": [1]}' }]);
    paste('{"nodes": [], "links": [], "version": 0.4}');
    await wait(10);
    expect(host.requests.map(([path]) => path)).toContain("/cn/editors/e1/open?name=pasted%20workflow.json");
  });

  it("clearing asks first and can be undone", async () => {
    $(".cn-toolbar [aria-label=Menu]").click();
    [...box.querySelectorAll<HTMLElement>(".cn-dropdown button")].find((button) => button.textContent?.includes("Clear workflow"))?.click();
    await wait();
    ($(".cn-dialog") as HTMLFormElement).dispatchEvent(new Event("submit", { cancelable: true }));
    await wait();
    expect(view().document.nodes).toEqual([]);
    press("z", { ctrlKey: true });
    expect(view().document.nodes.length).toBe(2);
  });

  it("settings are kept by the kernel and applied; its word counts more than the browser's", async () => {
    localStorage.setItem("cn.settings", JSON.stringify({ theme: "light", snapToGrid: true }));
    host.answers["/settings/comfy_notebook.editor"] = () => new Response(JSON.stringify({ theme: "dark", wheel: "nonsense" }));
    unmount();
    await open();
    expect($(".cn-editor").dataset.theme).toBe("dark");
    expect(view().calls.findLast(([name]) => name === "setOptions")?.[1]).toMatchObject({ snapToGrid: true, wheel: "zoom" });

    press(",", { ctrlKey: true });
    const theme = $(".cn-settings select") as HTMLSelectElement;
    theme.value = "light";
    theme.dispatchEvent(new Event("change"));
    expect($(".cn-editor").dataset.theme).toBe("light");
    const [, saved] = host.requests.findLast(([path, { method }]) => path === "/settings/comfy_notebook.editor" && method === "POST") ?? [];
    expect(JSON.parse(saved?.body as string)).toMatchObject({ theme: "light", snapToGrid: true });
  });

  it("the tree for screen readers names nodes and edits widgets", async () => {
    await wait(450);
    const node = $("[role=treeitem]");
    expect(node.getAttribute("aria-label")).toBe("A");
    node.focus();
    expect(view().selected).toEqual([1]);
    node.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await wait();
    ($(".cn-dialog input") as HTMLInputElement).value = "42";
    ($(".cn-dialog") as HTMLFormElement).dispatchEvent(new Event("submit", { cancelable: true }));
    await wait();
    expect(view().document.nodes[0]?.widgets_values).toEqual([42]);
  });
});

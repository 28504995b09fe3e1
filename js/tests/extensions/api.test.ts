import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ComfyApi, PromptExecutionError } from "../../src/extensions/api";
import type { Host, HostEvent, KernelState } from "../../src/host";

/** `api` over a host whose events and kernel state the test makes. */
function build() {
  let send: (event: HostEvent) => void = () => undefined;
  let kernel: (state: KernelState) => void = () => undefined;
  const stopped: string[] = [];
  const host = {
    editorId: "ed-1",
    onEvent: (listener: typeof send) => ((send = listener), () => stopped.push("events")),
    onKernel: (listener: typeof kernel) => ((kernel = listener), () => stopped.push("kernel")),
  } as unknown as Host;
  const api = new ComfyApi(host);
  const heard: [string, unknown][] = [];
  const listen = (...types: string[]) => types.forEach((type) => api.addEventListener(type, (event) => heard.push([type, (event as CustomEvent).detail])));
  return { api, heard, listen, stopped, send: (type: string, data: unknown, buffers: ArrayBuffer[] = []) => send({ type, data, buffers }), kernel: (state: KernelState) => kernel(state) };
}

describe("events", () => {
  const progress = { value: 1, max: 2, prompt_id: "p", node: "3" };
  it.each([
    ["status", { status: { exec_info: { queue_remaining: 2 } }, sid: "x" }, { exec_info: { queue_remaining: 2 } }],
    ["executing", { node: "5", display_node: "4", prompt_id: "p" }, "4"],
    ["executing", { node: "5", prompt_id: "p" }, "5"],
    ["executing", { node: null, prompt_id: "p" }, null],
    ["progress", progress, progress],
    ["executed", { node: "1", display_node: "1", output: { images: [] }, prompt_id: "p" }, { node: "1", display_node: "1", output: { images: [] }, prompt_id: "p" }],
    ["execution_start", { prompt_id: "p", timestamp: 1 }, { prompt_id: "p", timestamp: 1 }],
    ["execution_cached", { nodes: ["1"], prompt_id: "p" }, { nodes: ["1"], prompt_id: "p" }],
    ["progress_state", { prompt_id: "p", nodes: {} }, { prompt_id: "p", nodes: {} }],
    ["execution_error", { node_id: "1", exception_message: "no" }, { node_id: "1", exception_message: "no" }],
    ["execution_interrupted", { prompt_id: "p" }, { prompt_id: "p" }],
    ["execution_success", { prompt_id: "p" }, { prompt_id: "p" }],
    ["progress_text", { nodeId: "7", text: "half" }, { nodeId: "7", text: "half" }],
    ["my_pack.ask", { node: "1" }, { node: "1" }],
    ["my_pack.text", "just a text", "just a text"],
  ])("%s %j", (type, data, detail) => {
    const { heard, listen, send } = build();
    listen(type);
    send(type, data);
    expect(heard).toEqual([[type, detail]]);
  });

  it("previews come twice, with what is known of them and as a Blob", async () => {
    const { heard, listen, send } = build();
    listen("b_preview_with_metadata", "b_preview");
    const data = { node_id: "1", prompt_id: "p", display_node_id: "2", parent_node_id: null, real_node_id: "1", image_type: "image/png" };
    send("b_preview_with_metadata", data, [new Uint8Array([1, 2]).buffer]);
    const [[first, detail], [second, blob]] = heard as [[string, { blob: Blob }], [string, Blob]];
    expect([first, second, blob.type, blob.size]).toEqual(["b_preview_with_metadata", "b_preview", "image/png", 2]);
    expect(detail).toEqual({ blob, nodeId: "1", displayNodeId: "2", parentNodeId: null, realNodeId: "1", promptId: "p" });
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(new Uint8Array([1, 2]));
    send("b_preview_with_metadata", data);
    expect(heard.length).toBe(2); // nothing without a picture
  });

  it("are heard by whoever listens at the time, and not by whoever stopped", () => {
    const { api, send } = build();
    const listener = vi.fn();
    send("mine", 1);
    api.addEventListener("mine", listener);
    send("mine", 2);
    api.removeEventListener("mine", listener);
    send("mine", 3);
    expect(listener.mock.calls.map(([event]) => (event as CustomEvent).detail)).toEqual([2]);
  });

  it("tell of the kernel and of what the server can do; nothing more after the end", () => {
    const { api, heard, listen, send, kernel, stopped } = build();
    listen("reconnecting", "reconnected");
    kernel("lost");
    kernel("connected");
    expect(heard.map(([type]) => type)).toEqual(["reconnecting", "reconnected"]);
    send("feature_flags", { supports_preview_metadata: true, max_upload_size: 5, extension: { manager: { supports_v4: true } } });
    expect([api.serverSupportsFeature("supports_preview_metadata"), api.getServerFeature("max_upload_size"), api.serverSupportsFeature("extension.manager.supports_v4"), api.getServerFeature("none", 3)]).toEqual([true, 5, true, 3]);
    api.destroy();
    expect(stopped).toEqual(["events", "kernel"]);
  });
});

describe("requests", () => {
  const asked: [string, RequestInit | undefined][] = [];
  let answer: () => Response;
  beforeEach(() => {
    asked.length = 0;
    answer = () => Response.json({});
    vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => (asked.push([url, init]), answer()));
  });
  afterEach(() => vi.unstubAllGlobals());
  const sent = () => JSON.parse(String(asked.at(-1)![1]!.body));

  it.each([
    ["getExtensions", [], "GET /api/extensions"],
    ["getNodeDefs", [], "GET /api/object_info"],
    ["getEmbeddings", [], "GET /api/embeddings"],
    ["getSystemStats", [], "GET /api/system_stats"],
    ["getUserConfig", [], "GET /api/users"],
    ["getSettings", [], "GET /api/settings"],
    ["getSetting", ["a b"], "GET /api/settings/a%20b"],
    ["storeSettings", [{ a: 1 }], 'POST /api/settings {"a":1}'],
    ["storeSetting", ["a", false], "POST /api/settings/a false"],
    ["getUserData", ["x/y.json"], "GET /api/userdata/x%2Fy.json"],
    ["storeUserData", ["x.json", { a: 1 }], 'POST /api/userdata/x.json?overwrite=true&full_info=false {"a":1}'],
    ["storeUserData", ["x.txt", "text", { stringify: false, overwrite: false }], "POST /api/userdata/x.txt?overwrite=false&full_info=false text"],
    ["deleteUserData", ["x.json"], "DELETE /api/userdata/x.json"],
    ["moveUserData", ["a/b", "c"], "POST /api/userdata/a%2Fb/move/c?overwrite=false"],
    ["listUserDataFullInfo", ["workflows"], "GET /api/userdata?dir=workflows&recurse=true&split=false&full_info=true"],
    ["interrupt", ["p-1"], 'POST /api/interrupt {"prompt_id":"p-1"}'],
    ["interrupt", [], "POST /api/interrupt"],
    ["deleteItem", ["queue", "p"], 'POST /api/queue {"delete":["p"]}'],
    ["clearItems", ["history"], 'POST /api/history {"clear":true}'],
    ["freeMemory", [{ freeExecutionCache: true }], 'POST /api/free {"unload_models":true,"free_memory":true}'],
    ["getModels", ["loras"], "GET /api/experiment/models/loras"],
    ["getFolderPaths", [], "GET /internal/folder_paths"],
    ["subscribeLogs", [true], 'PATCH /internal/logs/subscribe {"enabled":true,"clientId":"ed-1"}'],
  ] as [string, unknown[], string][])("%s(%j) → %s", async (method, args, expected) => {
    const { api } = build();
    await (api as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>)[method]!(...args);
    const [url, init] = asked.at(-1)!;
    expect([init?.method ?? "GET", url, init?.body].filter(Boolean).join(" ")).toBe(expected);
  });

  it("carry the user and go through whatever stands at api.fetchApi", async () => {
    const { api } = build();
    await api.fetchApi("/x", { headers: { "X-Own": "1" } });
    const headers = asked[0]![1]!.headers as Headers;
    expect([headers.get("comfy-user"), headers.get("x-own")]).toEqual(["", "1"]);
    const patched = vi.fn(async () => Response.json({ queue_running: [[0, "p", {}]], queue_pending: [] }));
    api.fetchApi = patched;
    const { Running, Pending } = await api.getQueue();
    expect([Running[0]!["prompt"], Pending]).toEqual([[0, "p", {}], []]);
    (Running[0]!["remove"] as { cb: () => void }).cb();
    expect(patched.mock.calls.map((call) => (call as unknown[])[0])).toEqual(["/queue", "/interrupt"]);
  });

  it("queue prompts in their place, for this client", async () => {
    const { api } = build();
    answer = () => Response.json({ prompt_id: "p" });
    const prompt = { output: { 1: {} }, workflow: { nodes: [] } };
    expect(await api.queuePrompt(0, prompt)).toEqual({ prompt_id: "p" });
    expect(sent()).toEqual({ client_id: "ed-1", prompt: { 1: {} }, extra_data: { extra_pnginfo: { workflow: { nodes: [] } } } });
    await api.queuePrompt(-1, prompt, { partialExecutionTargets: ["3"] });
    expect([sent().front, sent().number, sent().partial_execution_targets]).toEqual([true, undefined, ["3"]]);
    await api.queuePrompt(4, prompt);
    expect([sent().front, sent().number]).toEqual([undefined, 4]);
  });

  it.each([
    [{ error: { message: "Bad", details: "very" }, node_errors: { 1: { class_type: "Say", errors: [{ message: "Missing", details: "text" }, { message: "Other" }] } } }, "Bad: very\nSay:\n    - Missing: text\n    - Other"],
    [{ error: "only this" }, "only this"],
  ])("refusals become errors: %j", async (refusal, text) => {
    const { api } = build();
    answer = () => Response.json(refusal, { status: 400 });
    const error = await api.queuePrompt(0, { output: {}, workflow: {} }).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(PromptExecutionError);
    expect([(error as PromptExecutionError).response, String(error)]).toEqual([refusal, text]);
  });

  it("say what is not there", async () => {
    const { api } = build();
    answer = () => new Response("gone", { status: 404 });
    expect(await api.listUserDataFullInfo("none")).toEqual([]);
    expect(await api.viewMetadata("loras", "x")).toBeNull();
    await expect(api.storeUserData("x", 1)).rejects.toThrow("404");
    const stored = await api.storeUserData("x", 1, { throwOnError: false });
    expect(stored.status).toBe(404);
    const refused = await api.queuePrompt(0, { output: {}, workflow: {} }).catch((one: unknown) => String(one));
    expect(refused).toBe("gone");
  });
});

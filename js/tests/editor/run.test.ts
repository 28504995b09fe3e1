import { beforeEach, describe, expect, it, vi } from "vitest";
import type { NodeErrors, RunReply } from "../../src/editor/api";
import { Media } from "../../src/editor/media";
import { executionProblem, storedProblem, validationProblems, type Problem } from "../../src/editor/problems";
import { Runs, type RunStatus } from "../../src/editor/run";

const titleOf = (node: string) => ({ "1": "Load Image", "2": "Blur <b>" })[node] ?? "";

describe("problems as sentences", () => {
  const one = (type: string, extra_info: Record<string, unknown>, details = "") =>
    validationProblems({ "1": { errors: [{ type, message: "M", details, extra_info }] } }, titleOf)[0]?.message;
  it.each([
    ["required_input_missing", { input_name: "image" }, "Input “image” is not connected and has no value."],
    ["value_not_in_list", { input_name: "mode", received_value: "x" }, "“x” is not one of the choices of “mode”."],
    ["value_smaller_than_min", { input_name: "steps", received_value: 0, input_config: ["INT", { min: 1 }] }, "“steps” is 0, the smallest allowed value is 1."],
    ["value_bigger_than_max", { input_name: "steps", received_value: 99, input_config: ["INT", { max: 10 }] }, "“steps” is 99, the largest allowed value is 10."],
    ["return_type_mismatch", { input_name: "image", received_type: "MASK", input_config: ["IMAGE", {}] }, "Input “image” takes IMAGE but is connected to MASK."],
    ["something_new", {}, "M"],
  ])("%s", (type, info, text) => expect(one(type, info)).toBe(text));

  it("an exception names its kind only where that says something, and keeps the traceback", () => {
    const problem = executionProblem({ node_id: "2", exception_message: "no\n", exception_type: "builtins.KeyError", traceback: ["  File x\n"] }, titleOf);
    expect(problem).toMatchObject({ node: "2", title: "Blur <b>", message: "KeyError: no" });
    expect(problem.details).toContain("File x");
    expect(executionProblem({ node_id: "1", exception_message: "no", exception_type: "RuntimeError" }, titleOf).message).toBe("no");
  });

  it("reads what an editor stored", () => {
    expect(storedProblem("1", { message: "no", type: "RuntimeError", traceback: [] }, titleOf).message).toBe("no");
    expect(storedProblem("1", { errors: [{ type: "required_input_missing", message: "", extra_info: { input_name: "image" } }] }, titleOf).inputs).toEqual(["image"]);
  });
});

describe("a run", () => {
  let replies: RunReply[];
  let calls: string[];
  let statuses: RunStatus[];
  let problems: Problem[];
  let failure: string;
  let runs: Runs;
  const ok = (errors: NodeErrors = {}): RunReply => ({ ok: true, promptId: "p1", number: 1, nodeErrors: errors });
  const event = (type: string, data: object, buffers: ArrayBuffer[] = []) => runs.handle({ type, data, buffers });

  beforeEach(() => {
    [replies, calls, statuses, problems, failure] = [[ok()], [], [], [], ""];
    const note = (name: string) => (...args: unknown[]) => void calls.push([name, ...args.map((arg) => (arg instanceof Blob ? `${arg.type}:${arg.size}` : JSON.stringify(arg)))].join(" "));
    const view = Object.fromEntries(["setRunning", "setProgress", "setOutputs", "setPreview", "setError", "clearErrors", "setStale", "beforeQueue", "afterQueue"].map((name) => [name, note(name)]));
    runs = new Runs({
      api: { run: async (options) => { calls.push(`run ${JSON.stringify(options)}`); return replies.shift() ?? ok(); }, interrupt: async (id) => void calls.push(`interrupt ${id}`), clearQueue: async () => undefined },
      view: { ...view, describe: () => [{ id: 1, title: "Load Image" }, { id: 2, title: "Blur" }], browserValues: async () => ({ "1": { seed: 7 } }) } as never,
      media: { forget: (ref) => void calls.push(`forget ${ref.filename}`) },
      flush: async () => void calls.push("flush"),
      onStatus: (status) => statuses.push({ ...status }),
      onProblems: (found) => { problems = found; },
      onFailure: (summary, detail) => { failure = `${summary}: ${detail}`; },
    });
  });

  it("is over when it was taken out of the queue before it began", async () => {
    await runs.start();
    expect(runs.status.phase).toBe("submitting");
    event("cn.prompt_dropped", { prompt_id: "p1" });
    expect(runs.status.phase).toBe("cancelled");
    event("execution_start", { prompt_id: "p2" });
    event("cn.prompt_dropped", { prompt_id: "p3" });
    expect(runs.status.phase).toBe("running");
  });

  it("changes seeds, saves, sends the browser's values, changes seeds after; once per batch item", async () => {
    await runs.start({ count: 2, targets: ["2"] });
    const one = ["beforeQueue", "flush", 'run {"targets":["2"],"values":{"1":{"seed":7}}}', "afterQueue"];
    expect(calls).toEqual(["clearErrors", ...one, ...one]);
  });

  it("shows progress, previews and outputs on the nodes and ends", async () => {
    await runs.start();
    calls = [];
    event("execution_start", { prompt_id: "p1" });
    event("execution_cached", { prompt_id: "p1", nodes: ["1"] });
    event("executing", { node: "2", display_node: "2", prompt_id: "p1" });
    event("progress", { node: "2", value: 3, max: 20, prompt_id: "p1" });
    expect(statuses.at(-1)).toMatchObject({ phase: "running", nodeTitle: "Blur", value: 3, max: 20 });
    event("b_preview_with_metadata", { node_id: "2", display_node_id: "2", image_type: "image/jpeg" }, [new ArrayBuffer(5)]);
    event("executed", { node: "2", display_node: "2", output: { images: [{ filename: "a.png" }] }, prompt_id: "p1" });
    event("execution_success", { prompt_id: "p1" });
    event("executing", { node: null, prompt_id: "p1" });
    expect(calls).toEqual(["clearErrors", 'setRunning "2"', 'setProgress "2" 3 20', 'setPreview "2" image/jpeg:5', "forget a.png",
      'setOutputs "2" {"images":[{"filename":"a.png"}]}', "setRunning null"]);
    expect(statuses.at(-1)).toMatchObject({ phase: "done", node: null });
    expect(statuses.at(-1)?.ended).not.toBeNull();
  });

  it("the last preview stays on its node when the run ends", async () => {
    await runs.start();
    calls = [];
    event("executing", { node: "2", prompt_id: "p1" });
    event("b_preview_with_metadata", { node_id: "2", image_type: "image/jpeg" }, [new ArrayBuffer(5)]);
    event("executing", { node: "3", prompt_id: "p1" });
    event("execution_success", { prompt_id: "p1" });
    expect(calls.filter((call) => call.startsWith("setPreview"))).toEqual(['setPreview "2" image/jpeg:5']);
  });

  it("does not fetch the files of cached nodes again", () => {
    event("execution_start", { prompt_id: "p1" });
    event("execution_cached", { prompt_id: "p1", nodes: ["2"] });
    event("executed", { node: "2", output: { images: [{ filename: "a.png" }] } });
    expect(calls.some((call) => call.startsWith("forget"))).toBe(false);
  });

  it("a refused workflow marks nodes and inputs; nothing runs", async () => {
    const nodeErrors = { "2": { errors: [{ type: "required_input_missing", message: "", extra_info: { input_name: "image" } }] } };
    replies = [{ ok: false, error: { type: "prompt_outputs_failed_validation", message: "no" }, nodeErrors }];
    await runs.start({ count: 3 });
    expect(problems).toMatchObject([{ node: "2", title: "Blur", inputs: ["image"] }]);
    expect(calls.filter((call) => call.startsWith("run")).length).toBe(1);
    expect(calls.at(-1)).toContain('setError "2"');
    expect(runs.status.phase).toBe("failed");
  });

  it("a workflow without outputs says what to do", async () => {
    replies = [{ ok: false, error: { type: "prompt_no_outputs", message: "Prompt has no outputs" }, nodeErrors: {} }];
    await runs.start();
    expect(problems[0]?.message).toContain("add one");
  });

  it("a node that fails is marked, and the end of the run does not hide it", async () => {
    await runs.start();
    event("execution_start", { prompt_id: "p1" });
    event("executing", { node: "2", prompt_id: "p1" });
    event("execution_error", { prompt_id: "p1", node_id: "2", exception_message: "bad size", exception_type: "ValueError", traceback: ["t"] });
    event("executing", { node: null, prompt_id: "p1" });
    expect(problems).toMatchObject([{ node: "2", message: "bad size" }]);
    expect(runs.status.phase).toBe("failed");
    await runs.start();
    expect(problems).toEqual([]);
  });

  it.each(["reply first", "start first"])("a prompt that runs without some refused nodes keeps them marked (%s)", async (order) => {
    replies = [ok({ "1": { errors: [{ type: "required_input_missing", message: "", extra_info: { input_name: "image" } }] } })];
    if (order === "start first") event("execution_start", { prompt_id: "p1" });
    await runs.start();
    if (order === "reply first") event("execution_start", { prompt_id: "p1" });
    event("execution_success", { prompt_id: "p1" });
    expect(problems).toMatchObject([{ node: "1", inputs: ["image"] }]);
  });

  it("cancel names the running prompt; an interrupted run is no error", async () => {
    event("execution_start", { prompt_id: "p9" });
    await runs.cancel();
    event("execution_interrupted", { prompt_id: "p9", node_id: "2" });
    expect(calls).toContain("interrupt p9");
    expect([runs.status.phase, problems]).toEqual(["cancelled", []]);
  });

  it("a kernel that does not answer is told, not thrown", async () => {
    replies = [];
    vi.spyOn(runs as never as { titleOf: () => string }, "titleOf" as never);
    (runs as unknown as { ports: { flush: () => Promise<void> } }).ports.flush = () => Promise.reject(new Error("gone"));
    await runs.start();
    expect(failure).toBe("The workflow was not started: gone");
    expect(runs.status.phase).toBe("idle");
  });

  it("a lost kernel ends what ran", () => {
    event("execution_start", { prompt_id: "p1" });
    runs.lost();
    expect(runs.status).toMatchObject({ phase: "cancelled", queue: 0 });
  });

  it("restores what happened before the view came", () => {
    runs.restore({ outputs: { "1": { images: [] } }, errors: { "2": { message: "no" } }, stale: ["1"], run: { prompt_id: "p1", state: "running", node: "2", progress: { "2": { state: "running", value: 4, max: 9, display_node_id: "2" } } } });
    expect(calls).toEqual(expect.arrayContaining(['setOutputs "1" {"images":[]}', 'setStale ["1"]']));
    expect([problems.length, runs.status.phase, runs.status.nodeTitle, runs.status.value]).toEqual([1, "running", "Blur", 4]);
  });
});

describe("media", () => {
  it("fetches a file once, fetches a changed one again, gives every URL back", async () => {
    const made = vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${made.mock.calls.length}`);
    const revoked = vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => undefined);
    const view = vi.fn(async () => new Blob(["x"]));
    const media = new Media({ view });
    const ref = { filename: "a.png", type: "temp" };
    expect(await Promise.all([media.url(ref), media.url({ ...ref, subfolder: "" })])).toEqual(["blob:1", "blob:1"]);
    media.forget(ref);
    expect(await media.url(ref)).toBe("blob:2");
    expect(view).toHaveBeenCalledTimes(2);
    media.destroy();
    await Promise.resolve();
    expect(revoked.mock.calls.flat()).toEqual(["blob:1", "blob:2"]);
    vi.restoreAllMocks();
  });

  it("a failed fetch is tried again next time", async () => {
    const view = vi.fn().mockRejectedValueOnce(new Error("busy")).mockResolvedValue(new Blob());
    const media = new Media({ view });
    await expect(media.url({ filename: "a" })).rejects.toThrow("busy");
    vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
    expect(await media.url({ filename: "a" })).toBe("blob:x");
    vi.restoreAllMocks();
  });
});

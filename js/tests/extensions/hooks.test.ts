// @vitest-environment happy-dom
// Calling packs: order, isolation, patience.
import { expect, it, vi } from "vitest";
import { ExtensionHooks } from "../../src/extensions/hooks";
import { submission } from "../../src/extensions/submission";

const make = (patience?: number) => {
  const told: [string, string, string][] = [];
  const app = { name: "the app" };
  const hooks = new ExtensionHooks(() => app, (extension, where, error) => told.push([extension, where, String((error as Error).message)]), patience);
  return { app, told, hooks };
};

it("calls in order of registration, with the app as the last argument, and goes on after a failure", () => {
  const { app, told, hooks } = make();
  const calls: unknown[] = [];
  hooks.add({ name: "a", nodeCreated: (...args: unknown[]) => calls.push(["a", ...args]) });
  hooks.add({ name: "b", nodeCreated: () => { throw new Error("broken"); } });
  hooks.add({ name: "c", get nodeCreated(): unknown { throw new Error("no access"); } });
  hooks.add({ name: "d", nodeCreated(...args: unknown[]) { calls.push([(this as { name: string }).name, ...args]); } });
  hooks.add({ name: "e", nodeCreated: 5 });
  hooks.call("nodeCreated", [7]);
  expect(calls).toEqual([["a", 7, app], ["d", 7, app]]);
  expect(told).toEqual([["b", "nodeCreated", "broken"], ["c", "nodeCreated", "no access"]]);
});

it("tells rejections, and waits for answers of all at once", async () => {
  const { told, hooks } = make();
  const order: string[] = [];
  hooks.add({ name: "slow", setup: async () => { await new Promise((resolve) => setTimeout(resolve, 20)); order.push("slow"); } });
  hooks.add({ name: "bad", setup: () => Promise.reject(new Error("late failure")) });
  hooks.add({ name: "quick", setup: () => void order.push("quick") });
  await hooks.settle("setup", []);
  expect(order).toEqual(["quick", "slow"]);
  expect(told).toEqual([["bad", "setup", "late failure"]]);
});

it("leaves behind what never ends", async () => {
  vi.useFakeTimers();
  const { told, hooks } = make(1000);
  hooks.add({ name: "stuck", init: () => new Promise(() => undefined) });
  const done = hooks.settle("init", []);
  await vi.advanceTimersByTimeAsync(1001);
  await done;
  expect(told[0]?.slice(0, 2)).toEqual(["stuck", "init"]);
  vi.useRealTimers();
});

it("costs nothing to wait for where nobody answers with a promise", () => {
  const { hooks } = make();
  hooks.add({ name: "a", init: () => 3 });
  expect(hooks.settle("init", [])).toBeUndefined();
});

it("refuses extensions without a name or with one that is taken", () => {
  const { hooks } = make();
  hooks.add({ name: "a" });
  expect(() => hooks.add({ name: "a" })).toThrow(/already registered/);
  expect(() => hooks.add({} as never)).toThrow(/name/);
});

it.each([
  [{ prompt_id: "p", number: 3, node_errors: {} }, { ok: true, promptId: "p", number: 3, nodeErrors: {} }],
  [{ prompt_id: "p", node_errors: { 1: { errors: [] } } }, { ok: true, promptId: "p", number: 0, nodeErrors: { 1: { errors: [] } } }],
  [{ error: "no", node_errors: {} }, { ok: false, error: { type: "error", message: "no" }, nodeErrors: {} }],
  [{ error: { type: "t", message: "m" } }, { ok: false, error: { type: "t", message: "m" }, nodeErrors: {} }],
  [undefined, { ok: true, promptId: "", number: 0, nodeErrors: {} }],
])("reads the answer to a prompt: %j", (answer, expected) => {
  expect(submission(answer)).toEqual(expected);
});

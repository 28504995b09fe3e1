import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apply, diff, isEmpty, type Document, type Patch } from "../../src/editor/patch";
import { DocumentSync, PatchConflict } from "../../src/editor/sync";

const node = (id: number, value: unknown, more = {}) => ({ id, type: "A", widgets_values: [value], ...more });
const documentOf = (...nodes: unknown[]): Document => ({ nodes, links: [], version: 0.4 });

/** A kernel with the authority over revisions, whose answers are held back until the test lets them go. */
class Kernel {
  rev = 1;
  document = documentOf(node(1, "a"), node(2, "b"));
  fail: Error | null = null;
  held: (() => void)[] = [];
  hold = false;
  sent: Patch[] = [];
  events: { rev: number; patch: Patch }[] = [];

  change(patch: Patch) {
    this.document = apply(this.document, patch);
    this.rev += 1;
    this.events.push({ rev: this.rev, patch });
    return this.rev;
  }

  async send(_base: number, patch: Patch): Promise<{ rev: number }> {
    this.sent.push(patch);
    if (this.fail) throw this.fail;
    const rev = this.change(patch);
    if (this.hold) await new Promise<void>((resolve) => this.held.push(resolve));
    return { rev };
  }
}

let kernel: Kernel;
let shown: Document;
let states: string[];
let sync: DocumentSync;

const edit = (change: (document: Document) => Document) => {
  shown = change(shown);
  sync.changed();
};
const setNode = (id: number, value: unknown) => (document: Document) => apply(document, { nodes: { set: [node(id, value)] } });
const deliver = (event = kernel.events.at(-1)) => event && sync.remote(event.rev, event.patch);
const value = (document: Document, id: number) => (document.nodes as { id: number; widgets_values: unknown[] }[]).find((n) => n.id === id)?.widgets_values[0];

beforeEach(() => {
  vi.useFakeTimers();
  kernel = new Kernel();
  shown = structuredClone(kernel.document);
  states = [];
  sync = new DocumentSync({
    serialize: () => structuredClone(shown),
    show: (document) => { shown = structuredClone(document); },
    send: (base, patch) => kernel.send(base, patch),
    fetch: async () => ({ rev: kernel.rev, document: structuredClone(kernel.document) }),
    onState: (state) => states.push(state),
  }, 1, structuredClone(shown));
});
afterEach(() => {
  sync.stop();
  vi.useRealTimers();
});

it("a node that grew here without a word takes the values that Python sets", () => {
  const grown = (document: Document) => apply(document, { nodes: { set: [node(1, "a", { size: [200, 300] })] } });
  shown = grown(shown);
  kernel.change({ nodes: { set: [node(1, "python")] } });
  deliver();
  expect((shown.nodes as unknown[])[0]).toEqual(node(1, "python", { size: [200, 300] }));
  edit(setNode(1, "mine"));
  kernel.change({ nodes: { set: [node(1, "later", { title: "T" })] } });
  deliver();
  expect((shown.nodes as unknown[])[0]).toEqual(node(1, "mine", { title: "T" }));
});

describe("edits going up", () => {
  it("are collected for a moment and sent as one patch of what changed", async () => {
    edit(setNode(1, "x"));
    await vi.advanceTimersByTimeAsync(100);
    edit(setNode(1, "xy"));
    await vi.advanceTimersByTimeAsync(149);
    expect(kernel.sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(kernel.sent).toEqual([{ nodes: { set: [node(1, "xy")] } }]);
    expect(states).toEqual(["pending", "sending", "saved"]);
    expect(sync.revision).toBe(2);
  });

  it("go one at a time; what was edited meanwhile follows", async () => {
    kernel.hold = true;
    edit(setNode(1, "x"));
    await vi.advanceTimersByTimeAsync(200);
    edit(setNode(2, "y"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(kernel.sent.length).toBe(1);
    kernel.held.shift()?.();
    await vi.advanceTimersByTimeAsync(200);
    expect(kernel.sent.length).toBe(2);
    expect(kernel.sent[1]).toEqual({ nodes: { set: [node(2, "y")] } });
  });

  it("wait while the kernel is busy, and say so", async () => {
    kernel.hold = true;
    edit(setNode(1, "x"));
    await vi.advanceTimersByTimeAsync(2000);
    expect(states.at(-1)).toBe("waiting");
    kernel.held.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(states.at(-1)).toBe("saved");
  });

  it("are sent again after a failure, later and later", async () => {
    kernel.fail = new Error("no answer");
    edit(setNode(1, "x"));
    await vi.advanceTimersByTimeAsync(160);
    await vi.advanceTimersByTimeAsync(500 + 1000);
    expect(kernel.sent.length).toBe(3);
    expect(states.at(-1)).toBe("waiting");
    kernel.fail = null;
    await vi.advanceTimersByTimeAsync(2000);
    expect(kernel.document).toEqual(shown);
    expect(states.at(-1)).toBe("saved");
  });

  it("flush sends at once and waits for the kernel", async () => {
    edit(setNode(1, "x"));
    let done = false;
    void sync.flush().then(() => { done = true; });
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toBe(true);
    expect(value(kernel.document, 1)).toBe("x");
  });

  it("flush with nothing to send is immediate, and fails when the kernel is gone", async () => {
    await expect(sync.flush()).resolves.toBeUndefined();
    sync.setOnline(false);
    await expect(sync.flush()).rejects.toThrow("run the cell again");
  });

  it("are laid over the kernel's document when it refuses the patch", async () => {
    kernel.change({ nodes: { set: [node(2, "theirs")] } });
    kernel.fail = new PatchConflict("old base");
    edit(setNode(1, "mine"));
    await vi.advanceTimersByTimeAsync(160);
    kernel.fail = null;
    await vi.advanceTimersByTimeAsync(1000);
    expect([value(kernel.document, 1), value(kernel.document, 2)]).toEqual(["mine", "theirs"]);
    expect(shown).toEqual(kernel.document);
  });
});

describe("changes coming down", () => {
  it("are shown and not sent back", async () => {
    kernel.change({ nodes: { set: [node(2, "theirs")] } });
    deliver();
    await vi.advanceTimersByTimeAsync(1000);
    expect(value(shown, 2)).toBe("theirs");
    expect(kernel.sent).toEqual([]);
  });

  it("keep local edits that the kernel has not seen", async () => {
    edit(setNode(1, "mine"));
    kernel.change({ nodes: { set: [node(2, "theirs")] } });
    deliver();
    expect([value(shown, 1), value(shown, 2)]).toEqual(["mine", "theirs"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(kernel.document).toEqual(shown);
  });

  it("wait for revisions that are still on their way, else the document is fetched", async () => {
    kernel.change({ nodes: { set: [node(1, "first")] } });
    kernel.change({ nodes: { set: [node(2, "second")] } });
    deliver(kernel.events[1]);
    expect(value(shown, 2)).toBe("b");
    deliver(kernel.events[0]);
    expect([value(shown, 1), value(shown, 2)]).toEqual(["first", "second"]);
    kernel.change({ nodes: { set: [node(1, "lost")] } });
    kernel.change({ nodes: { set: [node(2, "late")] } });
    deliver();
    await vi.advanceTimersByTimeAsync(1600);
    expect([value(shown, 1), value(shown, 2), sync.revision]).toEqual(["lost", "late", 5]);
  });

  it.each([["before", "mine"], ["after", "theirs"]])("the later patch of the same node wins: theirs %s mine", async (order, winner) => {
    kernel.hold = true;
    if (order === "before") kernel.change({ nodes: { set: [node(1, "theirs")] } });
    edit(setNode(1, "mine"));
    await vi.advanceTimersByTimeAsync(160);
    if (order === "after") kernel.change({ nodes: { set: [node(1, "theirs")] } });
    const theirs = kernel.events.find(({ patch }) => JSON.stringify(patch).includes("theirs"));
    deliver(theirs);
    kernel.held.shift()?.();
    kernel.hold = false;
    await vi.advanceTimersByTimeAsync(3000);
    expect(value(kernel.document, 1)).toBe(winner);
    expect(shown).toEqual(kernel.document);
    expect(kernel.sent.length).toBe(1);
  });

  it("nothing of the old document survives when another one was opened", async () => {
    edit(setNode(1, "unsent"));
    kernel.document = documentOf(node(9, "new"));
    kernel.rev += 1;
    await sync.refetch(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(shown).toEqual(documentOf(node(9, "new")));
    expect(kernel.sent).toEqual([]);
  });

  it("edits made while the kernel was away are sent when it is back", async () => {
    sync.setOnline(false);
    edit(setNode(1, "offline"));
    await vi.advanceTimersByTimeAsync(5000);
    expect(kernel.sent).toEqual([]);
    sync.setOnline(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(value(kernel.document, 1)).toBe("offline");
  });
});

it("two views that edit at random end with the same document", async () => {
  let seed = 3;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  for (let step = 0; step < 300; step++) {
    if (random(3) === 0) edit(setNode(1 + random(4), `mine${step}`));
    if (random(3) === 0) deliver({ rev: kernel.change({ nodes: { set: [node(1 + random(4), `theirs${step}`)] } }), patch: (kernel.events.at(-1) as { patch: Patch }).patch });
    kernel.hold = random(2) === 0;
    if (random(2) === 0) kernel.held.shift()?.();
    await vi.advanceTimersByTimeAsync(random(120));
  }
  kernel.hold = false;
  for (let step = 0; step < 20; step++) {
    kernel.held.shift()?.();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(isEmpty(diff(shown, kernel.document))).toBe(true);
});

describe("what packs say beside the document", () => {
  const leads = (to: number) => ({ comfy_notebook: { led: { 2: { node: 3, to: [to, 0] } }, virtual: ["Get"] } });

  /** A view whose packs say `to`, whatever the document has. */
  function view(to: number) {
    let document = structuredClone(kernel.document);
    const serialize = (): Document => ({ ...structuredClone(document), extra: leads(to) });
    const made = new DocumentSync({
      serialize, show: (next) => { document = structuredClone(next); }, send: (base, patch) => kernel.send(base, patch),
      fetch: async () => ({ rev: kernel.rev, document: structuredClone(kernel.document) }), onState: () => undefined,
    }, kernel.rev, structuredClone(kernel.document));
    return { sync: made, look: () => made.derived(serialize()) };
  }

  it("is sent once, and views that differ for good do not argue about it", async () => {
    const views = [view(1), view(2)];
    let told = 0;
    for (let i = 0; i < 20; i++) {
      if (i === 10) kernel.change({ nodes: { set: [node(1, "new")] } });
      for (const one of views) one.look();
      await vi.advanceTimersByTimeAsync(2000);
      for (const event of kernel.events.slice(told)) for (const one of views) one.sync.remote(event.rev, event.patch);
      told = kernel.events.length;
    }
    expect(views.map((one) => one.sync.state)).toEqual(["saved", "saved"]);
    expect(kernel.sent.filter((patch) => JSON.stringify(Object.keys(patch)) !== '["set"]')).toEqual([]);
    expect(kernel.sent.length).toBeGreaterThanOrEqual(2);
    expect(kernel.sent.length).toBeLessThanOrEqual(4);
    for (const one of views) one.sync.stop();
  });
});

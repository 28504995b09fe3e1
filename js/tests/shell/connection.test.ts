import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AnyModel } from "../../src/shell/afm";
import { Connection } from "../../src/shell/connection";
import { CHUNK } from "../../src/shell/messages";

type Sent = { kind: string; rid?: string; seq?: number; size?: number; view?: string };

class Model implements AnyModel {
  sent: Sent[] = [];
  parts: (Uint8Array | undefined)[] = [];
  broken = false;
  private listeners: [string, (...args: never[]) => void][] = [];
  get = () => undefined;
  set = () => {};
  save_changes = () => {};
  send(content: unknown, _callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]) {
    if (this.broken) throw new Error("comm is closed");
    this.sent.push(content as Sent);
    this.parts.push(buffers?.[0] as Uint8Array | undefined);
  }
  on(name: string, callback: (...args: never[]) => void) {
    this.listeners.push([name, callback]);
  }
  off(name: string, callback?: ((...args: never[]) => void) | null) {
    this.listeners = this.listeners.filter(([other, one]) => other !== name || one !== callback);
  }
  get listening() {
    return this.listeners.length;
  }
  emit(name: string, ...args: unknown[]) {
    for (const [other, callback] of [...this.listeners]) if (other === name) callback(...(args as never[]));
  }
  say(content: object, ...parts: Uint8Array[]) {
    // A view into a larger buffer, as JupyterLab hands it over.
    const views = parts.map((part) => {
      const padded = new Uint8Array(part.length + 7);
      padded.set(part, 5);
      return new DataView(padded.buffer, 5, part.length);
    });
    this.emit("msg:custom", content, views);
  }
  last(kind: string): Sent {
    return this.sent.findLast((one) => one.kind === kind)!;
  }
}

const text = (value: string) => new TextEncoder().encode(value);
const soon = () => vi.advanceTimersByTimeAsync(5);

describe("Connection", () => {
  let model: Model;
  let connection: Connection;

  beforeEach(async () => {
    vi.useFakeTimers();
    model = new Model();
    connection = new Connection(model);
    model.say({ kind: "welcome", view: connection.view, editor: "e", bundle: "b", protocol: 1 });
    await connection.welcome;
  });
  afterEach(() => {
    connection.dispose();
    vi.useRealTimers();
  });

  it("greets again until it is answered", async () => {
    const other = new Model();
    const waiting = new Connection(other);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(other.sent.map((one) => one.kind)).toEqual(["hello", "hello", "hello"]);
    other.say({ kind: "welcome", view: "somebody else", editor: "x", bundle: "", protocol: 1 });
    await vi.advanceTimersByTimeAsync(11_000);
    expect(other.sent.length).toBeGreaterThan(3);
    waiting.dispose();
  });

  it("builds a Response from the answer", async () => {
    const answer = connection.request("/x");
    await soon();
    const { rid } = model.last("http");
    model.say({ kind: "head", rid, status: 201, headers: { "content-type": "text/plain" }, size: 2, last: true }, text("hi"));
    const response = await answer;
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([201, "text/plain", "hi"]);
  });

  it.each([204, 304])("takes an answer %i without a body", async (status) => {
    const answer = connection.request("/x");
    await soon();
    model.say({ kind: "head", rid: model.last("http").rid, status, headers: {}, size: 0, last: true });
    expect((await answer).status).toBe(status);
  });

  it("sends at most four parts ahead of their acknowledgement", async () => {
    const sent = connection.request("/up", { body: new Uint8Array(10 * CHUNK) });
    sent.catch(() => {});
    await soon();
    const { rid } = model.last("http");
    const bodies = () => model.sent.filter((one) => one.kind === "body").length;
    expect(bodies()).toBe(3);
    model.say({ kind: "ack", rid, seq: 0 });
    model.say({ kind: "ack", rid, seq: 1 });
    expect(bodies()).toBe(5);
    expect(model.parts.filter(Boolean).every((part) => part!.length === CHUNK)).toBe(true);
  });

  it("breaks off an answer of which a part is missing", async () => {
    const answer = connection.request("/x");
    await soon();
    const { rid } = model.last("http");
    model.say({ kind: "head", rid, status: 200, headers: {}, size: null, last: false });
    const body = (await answer).text();
    model.say({ kind: "data", rid, seq: 1, last: true }, text("b"));
    await expect(body).rejects.toThrow("lost");
    expect(model.last("cancel").rid).toBe(rid);
  });

  it("times out only when the kernel says nothing at all", async () => {
    const answer = connection.request("/x", { timeout: 8000 });
    const failed = vi.fn();
    answer.catch(failed);
    for (let second = 0; second < 30; second += 5) {
      await vi.advanceTimersByTimeAsync(5000);
      model.say({ kind: "pulse" });
    }
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(9000);
    expect(failed.mock.calls[0]![0].name).toBe("TimeoutError");
  });

  it("is lost after 25 s of silence and back with the first word", async () => {
    const states: string[] = [];
    connection.kernel.on((state) => states.push(state));
    await vi.advanceTimersByTimeAsync(24_000);
    expect(states).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    await expect(connection.request("/x")).rejects.toThrow("Run the cell again");
    model.say({ kind: "pulse" });
    expect(states).toEqual(["lost", "connected"]);
    expect(model.last("hello").view).toBe(connection.view);
  });

  it.each(["comm_live_update", "comm:close"])("is lost at once on %s", (sign) => {
    model.emit(sign);
    expect(connection.state).toBe("lost");
  });

  it("is lost when the comm refuses to send", async () => {
    model.broken = true;
    await expect(connection.request("/x")).rejects.toThrow();
    expect(connection.state).toBe("lost");
  });

  it("shares out the buffers of a batch of events", () => {
    const seen: [string, string[]][] = [];
    connection.events.on(({ type, buffers }) => seen.push([type, buffers.map((one) => new TextDecoder().decode(one))]));
    const events = [
      { type: "a", data: {}, buffers: 1 },
      { type: "b", data: {}, buffers: 0 },
      { type: "c", data: {}, buffers: 2 },
    ];
    model.say({ kind: "events", events }, text("1"), text("22"), text("333"));
    expect(seen).toEqual([["a", ["1"]], ["b", []], ["c", ["22", "333"]]]);
  });

  it("leaves nothing behind", async () => {
    const answer = connection.request("/x");
    answer.catch(() => {});
    await soon();
    connection.dispose();
    await expect(answer).rejects.toThrow("gone");
    expect(model.last("bye").view).toBe(connection.view);
    expect(model.listening).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("asks with its hello what will be wanted first, and answers the first to want it", async () => {
    const asking = new Connection(model, ["/object_info", "/cn/editors/{editor}"]);
    const { asks } = model.last("hello") as Sent & { asks: Record<string, string> };
    const [info, editor] = Object.keys(asks) as [string, string];
    expect(Object.values(asks)).toEqual(["/object_info", "/cn/editors/{editor}"]);
    const head = { kind: "head", status: 200, headers: {}, size: 1, last: true };
    model.say({ ...head, rid: info }, text("i"));
    model.say({ kind: "welcome", view: asking.view, editor: "e/1", bundle: "b", protocol: 1 });
    model.say({ ...head, rid: editor }, text("e"));
    const before = model.sent.length;
    expect(await (await asking.request("/object_info", { timeout: 0 })).text()).toBe("i");
    expect(await (await asking.request("/cn/editors/e%2F1")).text()).toBe("e");
    expect(model.sent.length).toBe(before);
    void asking.request("/object_info").catch(() => undefined); // the second time it is asked anew
    await soon();
    expect(model.last("http")).toMatchObject({ path: "/object_info" });
    asking.dispose();
  });

  it("goes before the kernel answered without a failure that nobody hears", async () => {
    const unheard = vi.fn();
    process.on("unhandledRejection", unheard);
    new Connection(new Model(), ["/object_info"]).dispose();
    await vi.advanceTimersByTimeAsync(50);
    vi.useRealTimers();
    await new Promise((done) => setTimeout(done, 10));
    process.off("unhandledRejection", unheard);
    expect(unheard).not.toHaveBeenCalled();
  });

  it("sends a text at once, so that nothing is drawn between the click and the request", () => {
    void connection.request("/run", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }).catch(() => undefined);
    expect(model.last("http")).toMatchObject({ path: "/run", size: 2, headers: { "content-type": "application/json" } });
  });
});

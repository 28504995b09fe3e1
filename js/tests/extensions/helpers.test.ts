import { describe, expect, it, vi } from "vitest";

import { getFromFlacBuffer, getFromPngBuffer } from "../../src/extensions/metadata/buffers";
import { readParameters, samplerOf, takeLoras } from "../../src/extensions/metadata/parameters";
import { helperExports } from "../../src/extensions/page-helpers";
import { applyTextReplacements, formatDate } from "../../src/extensions/text-replacements";
import { hostModule, publish } from "../../src/extensions/modules";

describe("texts", () => {
  const graph = { _nodes: [
    { title: "Load", properties: {}, widgets: [{ name: "image", value: "a/b:c.png" }] },
    { title: "K", properties: { "Node name for S&R": "Sampler" }, widgets: [{ name: "seed", value: 0 }] },
  ] };
  it.each([
    ["%Load.image%", "a_b_c.png"], ["x%Sampler.seed%y", "x0y"], ["%Load.none%", "%Load.none%"], ["%None.a%", "%None.a%"], ["%year%", "%year%"],
    ["100%", "100%"], ["%a.b.c%", "%a.b.c%"],
  ])("%s → %s", (text, expected) => {
    expect(applyTextReplacements(graph, text)).toBe(expected);
    expect(applyTextReplacements({ graph }, text)).toBe(expected);
  });

  it("dates", () => {
    const date = new Date(2026, 0, 5, 7, 8, 9);
    expect(formatDate("yyyy-MM-dd hh:mm:ss yy M d h m s", date)).toBe("2026-01-05 07:08:09 26 1 5 7 8 9");
    expect(applyTextReplacements(graph, "%date:yyyy%")).toBe(String(new Date().getFullYear()));
  });

  it("prop tells of changes", () => {
    const changed = vi.fn();
    const target = {} as { size: number };
    expect(helperExports.prop(target, "size", 3, changed)).toBe(3);
    target.size = 5;
    expect(changed.mock.calls.map(([value, before]) => [value, before])).toEqual([[3, undefined], [5, 3]]);
  });

  it("clone copies, also what structuredClone refuses", () => {
    expect(helperExports.clone({ a: [1, { b: 2 }] })).toEqual({ a: [1, { b: 2 }] });
    expect(helperExports.clone({ a: 1, f: () => 1 })).toEqual({ a: 1 });
  });
});

function chunk(kind: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(body, 8);
  return bytes;
}

function joined(...parts: Uint8Array[]): ArrayBuffer {
  return new Uint8Array(parts.flatMap((part) => [...part])).buffer;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("metadata", () => {
  const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  it("PNG: text chunks, before and after the pixels, in every encoding", () => {
    const buffer = joined(PNG, chunk("IHDR", new Uint8Array(13)), chunk("tEXt", utf8('workflow\0{"a":1}')), chunk("iTXt", utf8("prompt\0\0\0en\0translated\0käse")),
      chunk("tEXt", new Uint8Array([...utf8("latin\0"), 0xe4])), chunk("IDAT", new Uint8Array(5)), chunk("comf", utf8("late\0x")), chunk("tEXt", utf8("workflow\0second")), chunk("IEND", new Uint8Array()));
    expect(getFromPngBuffer(buffer)).toEqual({ workflow: '{"a":1}', prompt: "käse", latin: "ä", late: "x" });
    vi.spyOn(console, "error").mockImplementation(() => undefined); // what is too short is told
    for (const length of [0, 7, 30, 60]) expect(() => getFromPngBuffer(buffer.slice(0, length))).not.toThrow();
  });

  it("FLAC: Vorbis comments", () => {
    const size = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
    const text = (value: string) => [size(utf8(value).length), utf8(value)];
    const comments = new Uint8Array(joined(...text("maker"), size(2), ...text("workflow={\"a\":\"=\"}"), ...text("Prompt=ö")));
    const block = (type: number, body: Uint8Array) => new Uint8Array([type, 0, 0, body.length, ...body]);
    const buffer = joined(utf8("fLaC"), block(0, new Uint8Array(34)), block(0x84, comments));
    expect(getFromFlacBuffer(buffer)).toEqual({ workflow: '{"a":"="}', Prompt: "ö" });
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect([getFromFlacBuffer(utf8("none").buffer), getFromPngBuffer(new ArrayBuffer(3))]).toEqual([undefined, undefined]);
  });

  const A1111 = 'a cat, <lora:soft light:0.8>,\nbest\nNegative prompt: bad, ugly\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 12, Size: 512x768, Model: v1-5, Lora hashes: "soft light: abc, x: 1", Clip skip: 2';
  it("A1111's parameters", () => {
    const read = readParameters(A1111)!;
    expect([read.positive, read.negative]).toEqual(["a cat, <lora:soft light:0.8>,\nbest", "bad, ugly"]);
    expect(read.settings).toMatchObject({ steps: "20", "cfg scale": "7.5", size: "512x768", "lora hashes": "soft light: abc, x: 1", "clip skip": "2" });
    expect(samplerOf(read)).toEqual({ sampler: "dpmpp_2m", scheduler: "karras" });
    expect(samplerOf({ settings: { sampler: "Euler a", "schedule type": "Exponential" } })).toEqual({ sampler: "euler_ancestral", scheduler: "exponential" });
    expect(takeLoras(read.positive)).toEqual({ text: "a cat,\nbest", loras: [{ name: "soft light", weight: 0.8 }] });
    expect(readParameters("Steps: 5, Seed: 1")).toEqual({ positive: "", negative: "", settings: { steps: "5", seed: "1" } });
    expect(readParameters("only a text")).toBeNull();
  });
});

describe("host modules", () => {
  it("hand out what is published, and undefined for what is not", () => {
    const window = {} as Window;
    publish(window, { app: { app: 1, default: 2 } });
    publish(window, { app: { more: 3 } });
    const { code, lacking } = hostModule("/scripts/app.js", ["app", "unknown", "app"], window.comfyAPI!);
    expect(lacking).toEqual(["unknown"]);
    for (const name of ["app", "default", "more", "unknown"]) expect(code).toContain(`as "${name}"`);
  });
});

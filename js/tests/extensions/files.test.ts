import { beforeEach, describe, expect, it, vi } from "vitest";

import { sorted } from "../../src/extensions/loading/import-maps";
import { evaluate } from "../../src/extensions/loading/report";
import { Addresses } from "../../src/extensions/network/addresses";
import { Styles } from "../../src/extensions/network/css";
import { Files } from "../../src/extensions/network/files";

describe("files of the kernel", () => {
  let contents: Record<string, string>;
  const asked: [string, Record<string, string>][] = [];
  const revoked: string[] = [];
  let used: Set<string>;
  let count = 0;
  const build = () =>
    new Files(async (path, headers) => {
      asked.push([path, headers]);
      const content = contents[path];
      if (content === undefined) return new Response(null, { status: 404 });
      if (headers["if-none-match"] === `"${content}"`) return new Response(null, { status: 304 });
      return new Response(content, { headers: { etag: `"${content}"` } });
    }, () => used, (url) => revoked.push(url));
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${++count}`);
    contents = { "/a": "one" };
    asked.length = revoked.length = count = 0;
    used = new Set();
  });

  it("that are drawings can be pictures, and nothing else", async () => {
    contents = { "/view?filename=a.svg&type=output": "<svg/>", "/b.html": "<p>" };
    const made: Blob[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${made.push(blob as Blob)}`);
    const files = build();
    await files.url("/view?filename=a.svg&type=output");
    await files.picture("/view?filename=a.svg&type=output");
    await files.picture("/b.html");
    expect(made.map(({ type }) => type)).toEqual([expect.not.stringContaining("svg"), "image/svg+xml", expect.not.stringContaining("html")]);
    expect(await made[1]?.text()).toBe("<svg/>");
  });

  it("are asked for once at a time, then only for what changed", async () => {
    const files = build();
    expect(await Promise.all([files.url("/a"), files.url("/a")])).toEqual(["blob:1", "blob:1"]);
    expect(asked.length).toBe(1);
    vi.advanceTimersByTime(2000);
    expect(await files.url("/a")).toBe("blob:1");
    expect(asked.at(-1)).toEqual(["/a", { "if-none-match": '"one"' }]);
    contents["/a"] = "two";
    vi.advanceTimersByTime(2000);
    expect(await files.url("/a")).toBe("blob:2");
    expect(revoked).toEqual(["blob:1"]);
  });

  it("that are not there are asked for again", async () => {
    const files = build();
    await expect(files.url("/none")).rejects.toThrow("404");
    contents["/none"] = "now";
    expect(await files.url("/none")).toBe("blob:1");
  });

  it("are given up when there are many, the oldest first, but not those in use", async () => {
    const files = build();
    for (let index = 0; index < 305; index++) {
      contents[`/${index}`] = "x";
      if (index === 3) used.add("blob:1");
      await files.url(`/${index}`);
    }
    await vi.runAllTimersAsync();
    expect(revoked.sort()).toEqual(["blob:2", "blob:3", "blob:4", "blob:5"]);
  });
});

describe("style sheets", () => {
  document.head.innerHTML = '<base href="https://comfy.invalid/">';
  const addresses = new Addresses(window);
  const sheets: Record<string, string> = { "/x/b.css": "b { background: url(i.png) }", "/x/me.css": '@import "me.css";' };
  const files = { url: async (path: string) => (path.includes("gone") ? Promise.reject(new Error("404")) : `blob:${path}`) } as unknown as Files;
  const styles = new Styles(addresses, files, async (path) => new Response(sheets[path] ?? null, { status: path in sheets ? 200 : 404 }));
  beforeEach(() => void vi.spyOn(URL, "createObjectURL").mockImplementation(() => "blob:sheet"));

  it.each([
    ["a { background: url(i.png) }", 'a { background: url("blob:/x/i.png") }'],
    ["a { background: url( '../i.png' ), url(\"/y/i.png?v=1\") }", 'a { background: url("blob:/i.png"), url("blob:/y/i.png?v=1") }'],
    ["a { mask: url(#m); background: url(data:,x), url(https://cdn.example/i.png) }", "a { mask: url(#m); background: url(data:,x), url(https://cdn.example/i.png) }"],
    ["/* url(no.png) */ a { fill: url(s.svg#part) }", '/* url(no.png) */ a { fill: url("blob:/x/s.svg#part") }'],
    ["a { background: url(gone.png) }", 'a { background: url("data:,") }'],
    ['@import "b.css" screen; a {}', '@import url("blob:sheet") screen; a {}'],
    ["@import url(b.css);", '@import url("blob:sheet");'],
    ["@import url('https://fonts.example/f.css');", "@import url('https://fonts.example/f.css');"],
    ["a { content: 'url(x' }", "a { content: 'url(x' }"],
    ["", ""],
  ])("%s", async (text, expected) => {
    expect(await styles.mapped(text, "https://comfy.invalid/x/a.css")).toBe(expected);
  });

  it("that import themselves end", async () => {
    expect(await styles.sheetUrl("/x/me.css")).toBe("blob:sheet");
  });
});

describe("addresses", () => {
  it.each([
    ["/view?a=1", "/view?a=1"], ["view", "/view"], ["https://comfy.invalid/a b", "/a%20b"], ["ws://comfy.invalid/ws", "/ws"],
    [`${location.origin}/x#y`, "/x"], ["https://elsewhere.example/x", null], ["blob:http://x/1", null], ["data:,x", null], ["", null],
    ["mailto:a@b", null], ["http://[", null], ["about:blank", null], ["javascript:void 0", null],
  ])("%s → %s", (address, path) => {
    expect(new Addresses(window).kernelPath(address)).toBe(path);
  });
});

describe("modules", () => {
  const imports = (...names: string[]) => ({ url: "", imports: names.map((name) => ({ name, kind: "kernel" as const, specifier: name, wanted: [] })) });
  it("are put in order, imported ones first, circles apart", () => {
    const { order, circular } = sorted(new Map([["a", imports("b", "x")], ["b", imports("c")], ["c", imports()], ["p", imports("q")], ["q", imports("p", "c")], ["r", imports("q")]]));
    expect(order).toEqual(["c", "b", "a", "r"]);
    expect([...circular].sort()).toEqual(["p", "q"]);
  });

  it("that are never ready are not waited for longer than the others need", async () => {
    vi.useRealTimers();
    const later = (ms: number) => () => new Promise((done) => setTimeout(done, ms));
    const outcomes = await evaluate([["a", later(60)], ["b", later(120)], ["never", () => new Promise(() => undefined)], ["bad", () => Promise.reject(new Error("no"))]], 100);
    expect(outcomes.map(({ name, error, pending }) => [name, (error as Error | undefined)?.message, pending])).toEqual([
      ["bad", "no", undefined], ["a", undefined, undefined], ["b", undefined, undefined], ["never", undefined, true],
    ]);
    expect(await evaluate([])).toEqual([]);
  });
});

import { readdirSync, readFileSync, existsSync } from "node:fs";
import { join } from "node:path";

import { parse } from "es-module-lexer/minimal/js";
import { describe, expect, it } from "vitest";

import { ORIGIN, nameOfPath, packOf, pathOf, readable, requestPath, resolve } from "../../src/extensions/loading/names";
import { rewrite, wantedNames } from "../../src/extensions/loading/rewrite";

const NAME = `${ORIGIN}/extensions/pack/js/main.js`;

/** Without the line that names the source. */
function rewritten(source: string): string {
  return rewrite(source, NAME).code.replace(/\n\/\/# sourceURL=.*$/, "");
}

describe("names", () => {
  it.each([
    ["./a.js", "kernel", "/extensions/pack/js/a.js"],
    ["../../../scripts/app.js", "kernel", "/scripts/app.js"],
    ["/scripts/app.js", "kernel", "/scripts/app.js"],
    ["/api/scripts/app.js", "kernel", "/scripts/app.js"],
    ["../../../../../../x.js", "kernel", "/x.js"],
    ["./a.js?v=1", "kernel", "/extensions/pack/js/a.js?v=1"],
    ["./a.js#two", "kernel", "/extensions/pack/js/a.js#two"],
    ["./a b.js", "kernel", "/extensions/pack/js/a%20b.js"],
    ["./it's.js", "kernel", "/extensions/pack/js/it%27s.js"],
    ["https://comfy.invalid/rgthree/x.js", "kernel", "/rgthree/x.js"],
    ["http://localhost:8888/y.js", "kernel", "/y.js"],
  ] as const)("%s", (specifier, kind, path) => {
    expect(resolve(specifier, NAME, ["http://localhost:8888"])).toEqual({ kind, name: ORIGIN + path });
  });

  it.each(["https://cdn.example/x.js", "data:text/javascript,1", "blob:http://x/1"])("%s is left to the browser", (specifier) => {
    expect(resolve(specifier, NAME)).toEqual({ kind: "outside", name: specifier });
  });

  it.each(["three", "@scope/x", "vue/dist/a.js", "fs/promises"])("%s is bare", (specifier) => {
    expect(resolve(specifier, NAME).kind).toBe("bare");
    expect(readable(resolve(specifier, NAME).name)).toBe(specifier);
  });

  it("say where a module lies", () => {
    const name = nameOfPath("/extensions/My%20Pack/%C3%B6%20%231.mjs");
    expect([pathOf(`${name}?a#b`), requestPath(`${name}?a#b`), readable(name), packOf(name)]).toEqual([
      "/extensions/My%20Pack/%C3%B6%20%231.mjs", "/extensions/My%20Pack/%C3%B6%20%231.mjs?a", "/extensions/My Pack/ö #1.mjs", "My Pack",
    ]);
    expect(packOf(`${ORIGIN}/rgthree/common/x.js`)).toBeNull();
  });
});

describe("rewrite", () => {
  const app = `${ORIGIN}/scripts/app.js`;
  it.each([
    ['import { app } from "../../../scripts/app.js";', `import { app } from "${app}";`],
    ["import{app}from'../../../scripts/app.js'", `import{app}from'${app}'`],
    ['import "/scripts/app.js"', `import "${app}"`],
    ['export * from "./b.js"', `export * from "${ORIGIN}/extensions/pack/js/b.js"`],
    ['export { a as b } from "./b.js"', `export { a as b } from "${ORIGIN}/extensions/pack/js/b.js"`],
    ['import x from "https://cdn.example/x.js"', 'import x from "https://cdn.example/x.js"'],
    ['await import("./b.js")', `await __comfyImport("${NAME}")("./b.js")`],
    ["const p=import(`./${x}.js`)", `const p=__comfyImport("${NAME}")(\`./\${x}.js\`)`],
    ["import /* here */ (x)", `__comfyImport("${NAME}") /* here */ (x)`],
    ["import(a ? './b.js' : await import('./c.js'))", `__comfyImport("${NAME}")(a ? './b.js' : await __comfyImport("${NAME}")('./c.js'))`],
    ["const s = 'import x from \"./b.js\"'; // import './c.js'", "const s = 'import x from \"./b.js\"'; // import './c.js'"],
    ["/* import y from './b.js' */ `import z from './d.js'`", "/* import y from './b.js' */ `import z from './d.js'`"],
    ["const r = /import('.\\/x.js')/; r.import('x')", "const r = /import('.\\/x.js')/; r.import('x')"],
    ["class A { import(x) { return x } }", "class A { import(x) { return x } }"],
    ["import d from './a.json' with { type: 'json' };\nf()", `import d from '${ORIGIN}/extensions/pack/js/a.json#type=json'${" ".repeat(22)};\nf()`],
    ["import.meta.url", `Object.assign(import.meta,__comfyImportMeta("${NAME}"));import.meta.url`],
    ["#!/usr/bin/env node\nimport './b.js'", `///usr/bin/env node\nimport '${ORIGIN}/extensions/pack/js/b.js'`],
    ["import a from './b.js'\r\nimport c from './d.js'\r\n", `import a from '${ORIGIN}/extensions/pack/js/b.js'\r\nimport c from '${ORIGIN}/extensions/pack/js/d.js'\r\n`],
    ["", ""],
  ])("%s", (source, expected) => {
    expect(rewritten(source)).toBe(expected);
  });

  it("leaves what is no module to the browser's own message", () => {
    expect(() => rewrite("import { from './x", NAME)).toThrow();
  });

  it.each([
    ['import a from "', ["default"]],
    ['import a, { b as c, d } from "', ["default", "b", "d"]],
    ['import * as ns from "', []],
    ['import a, * as ns from "', ["default"]],
    ['import "', []],
    ['import{b}from"', ["b"]],
    ['import {\n  b, // the second\n  /* c, */ d as e,\n} from "', ["b", "d"]],
    ['import { default as x, "odd name" as y } from "', ["default", "odd name"]],
    ['export { a, b as default } from "', ["a", "b"]],
    ['export * from "', []],
    ['import from from "', ["default"]],
    ['import $a from "', ["default"]],
  ])("%s wants %j", (statement, wanted) => {
    expect(wantedNames(statement)).toEqual(wanted);
  });
});

const WILD = process.env["COMFY_NOTEBOOK_WILD"] ?? "";

describe.skipIf(!existsSync(WILD))("real packs", () => {
  it("every import of every module is found, at the lines where it was", () => {
    const files = readdirSync(WILD, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js") && !file.includes("node_modules"));
    let count = 0;
    for (const file of files) {
      const source = readFileSync(join(WILD, file), "utf8");
      const { code, imports } = rewrite(source, NAME);
      const [before] = parse(source);
      const [after] = parse(code);
      expect(after.filter(({ d }) => d === -1).length, file).toBe(before.filter(({ d }) => d === -1).length);
      expect(after.filter(({ d }) => d >= 0)).toEqual([]);
      expect(code.split("\n").length).toBe(source.split("\n").length + 1);
      count += imports.length;
    }
    expect(count).toBeGreaterThan(300);
  });
});

// Builds the files the kernel ships: shell.js (the anywidget module), editor.js and packs.js (fetched once per page by hash),
// and icon fonts.
import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "comfy_notebook", "static");
mkdirSync(out, { recursive: true });

// litegraph evaluates what is typed into its number prompt. The graph view has a prompt of its own, and pages that forbid
// evaluation must be able to trust the bundle.
const withoutEval = {
  name: "without-eval",
  setup({ onLoad }) {
    onLoad({ filter: /@comfyorg[\\/]litegraph[\\/]dist[\\/].*\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(/\beval\((\w+)\)/g, "Number($1)");
      if (/\beval\(/.test(contents)) throw new Error(`${path} evaluates text in a way that is not known here`);
      return { contents, loader: "js" };
    });
  },
};

// Style sheets are texts in the bundle, which esbuild leaves as they are.
const smallStyles = {
  name: "small-styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

// packs.js takes the editor's modules from the editor (src/editor/packs-side.ts), so that there is one of each.
const PARTS = ["graph/index", "widgets/markdown", "editor/dom", "editor/icons", "editor/keyboard", "editor/settings-dialog"];
const editorParts = {
  name: "editor-parts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const part = relative(join(here, "src"), join(resolveDir, path)).replace(/^graph$/, "graph/index");
      if (!/^(?:graph|widgets|editor)\//.test(part)) return undefined;
      if (!PARTS.includes(part)) throw new Error(`packs.js needs ${part} of the editor: name it in build.mjs and src/editor/packs-side.ts`);
      return { path: part, namespace: "editor-parts" };
    });
    onLoad({ filter: /.*/, namespace: "editor-parts" }, ({ path }) => ({ contents: `module.exports = globalThis.comfyNotebookParts["${path}"];`, loader: "js" }));
  },
};

const shared = {
  bundle: true,
  plugins: [withoutEval, smallStyles],
  minify: !process.argv.includes("--dev"),
  target: "es2022",
  loader: { ".css": "text", ".svg": "text" },
  define: { "define.amd": "false" }, // UMD dependencies would find RequireJS in VS Code and Colab
  legalComments: "none",
  logLevel: "info",
};

const packs = join(out, "packs.js");
await build({ ...shared, plugins: [smallStyles, editorParts], format: "iife", globalName: "comfyNotebookPacks", entryPoints: [join(here, "src/extensions/extensions.ts")], outfile: packs });
const hash = createHash("sha256").update(await readFile(packs)).digest("hex");
await Promise.all([
  build({ ...shared, format: "esm", entryPoints: [join(here, "src/shell/index.ts")], outfile: join(out, "shell.js") }),
  // A classic script: a frame that has loaded no module yet takes import maps in every browser.
  build({ ...shared, define: { ...shared.define, PACKS_BUNDLE: JSON.stringify(hash) }, format: "iife", globalName: "comfyNotebookEditor", entryPoints: [join(here, "src/editor/index.ts")], outfile: join(out, "editor.js") }),
]);

// The icons that packs name by class ("pi pi-star", "mdi mdi-robot"): a font and its rules each, fetched when one is shown.
const ICONS = {
  pi: { rules: "primeicons/primeicons.css", font: "primeicons/fonts/primeicons.woff2" },
  mdi: { rules: "@mdi/font/css/materialdesignicons.min.css", font: "@mdi/font/fonts/materialdesignicons-webfont.woff2" },
};
mkdirSync(join(out, "icons"), { recursive: true });
await Promise.all(Object.entries(ICONS).map(async ([name, { rules, font }]) => {
  const modules = join(here, "node_modules");
  const css = await readFile(join(modules, rules), "utf8");
  await writeFile(join(out, "icons", `${name}.css`), css.replace(/@font-face\s*{[^}]*}|\/\*[^]*?\*\//g, "").trim());
  await copyFile(join(modules, font), join(out, "icons", `${name}.woff2`));
}));

// Builds the two files the kernel ships: shell.js (the anywidget module) and editor.js (fetched once per page by hash).
import { build } from "esbuild";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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

const shared = {
  bundle: true,
  plugins: [withoutEval],
  minify: !process.argv.includes("--dev"),
  target: "es2022",
  loader: { ".css": "text", ".svg": "text" },
  define: { "define.amd": "false" }, // UMD dependencies would find RequireJS in VS Code and Colab
  legalComments: "none",
  logLevel: "info",
};

await Promise.all([
  build({ ...shared, format: "esm", entryPoints: [join(here, "src/shell/index.ts")], outfile: join(out, "shell.js") }),
  // A classic script: a frame that has loaded no module yet takes import maps in every browser.
  build({ ...shared, format: "iife", globalName: "comfyNotebookEditor", entryPoints: [join(here, "src/editor/index.ts")], outfile: join(out, "editor.js") }),
]);

// Builds the two files the kernel ships: shell.js (the anywidget module) and editor.js (fetched once per page by hash).
import { build } from "esbuild";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "comfy_notebook", "static");
mkdirSync(out, { recursive: true });

const shared = {
  bundle: true,
  format: "esm",
  minify: !process.argv.includes("--dev"),
  target: "es2022",
  loader: { ".css": "text", ".svg": "text" },
  define: { "define.amd": "false" }, // UMD dependencies would find RequireJS in VS Code and Colab
  legalComments: "none",
  logLevel: "info",
};

await Promise.all([
  build({ ...shared, entryPoints: [join(here, "src/shell/index.ts")], outfile: join(out, "shell.js") }),
  build({ ...shared, entryPoints: [join(here, "src/editor/index.ts")], outfile: join(out, "editor.js") }),
]);

// A module's source with its imports changed to the names of names.ts, so that an import map finds them whichever blob
// the source is loaded from. Everything else stays where it was: lines in error messages are the file's own.

import { parse } from "es-module-lexer/minimal/js";

import { resolve } from "./names";

export interface StaticImport {
  /** Undefined for other sites' modules, which the browser finds itself. */
  name: string;
  kind: "kernel" | "bare";
  specifier: string;
  /** What is wanted of it: `default` and other names; `*` is not listed. */
  wanted: string[];
  /** `with { type: … }` */
  type?: string;
}

export interface Rewritten {
  code: string;
  imports: StaticImport[];
}

/** The globals that rewritten modules call; the loader puts them into the window. */
export const IMPORT = "__comfyImport";
export const META = "__comfyImportMeta";

/** Names of modules that are not the text they are imported as (`with { type: "json" }`) need a name of their own. */
export function typed(name: string, type: string | undefined): string {
  return type ? `${name}#type=${type}` : name;
}

interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * `link` says what to write for a name (the name itself, where an import map will know it). Throws what the lexer throws on
 * text that is no JavaScript.
 */
export function rewrite(source: string, name: string, link: (name: string) => string = (one) => one, own: readonly string[] = []): Rewritten {
  const imports: StaticImport[] = [];
  const edits: Edit[] = [];
  let usesMeta = false;
  for (const { n: specifier, s, e, ss, se, d, a } of parse(source)[0]) {
    if (d === -2) usesMeta = true;
    else if (d >= 0) {
      if (/^import\s*(?:\(|\/[*/])/.test(source.slice(ss, ss + 200))) edits.push({ start: ss, end: ss + 6, text: `${IMPORT}("${name}")` });
    } else if (specifier !== undefined) {
      const target = resolve(specifier, name, own);
      if (target.kind === "outside") continue;
      const type = a >= 0 ? /\btype["']?\s*:\s*["'](\w+)["']/.exec(source.slice(a, se))?.[1] : undefined;
      const found = { name: typed(target.name, type), kind: target.kind, specifier, wanted: wantedNames(source.slice(ss, s)), ...(type && { type }) };
      imports.push(found);
      edits.push({ start: s, end: e, text: link(found.name) });
      if (a >= 0) edits.push({ start: e + 1, end: se, text: source.slice(e + 1, se).replace(/[^\r\n]/g, " ") });
    }
  }
  const prefix = usesMeta ? `Object.assign(import.meta,${META}("${name}"));` : "";
  return { code: `${prefix}${apply(source.replace(/^#!/, "//"), edits)}\n//# sourceURL=${name}`, imports };
}

function apply(source: string, edits: Edit[]): string {
  let at = 0;
  const parts: string[] = [];
  for (const { start, end, text } of edits.sort((one, other) => one.start - other.start)) {
    parts.push(source.slice(at, start), text);
    at = end;
  }
  return parts.join("") + source.slice(at);
}

/** Of `import a, { b as c } from "` and `export { d } from "`: `default`, `b`, `d`. */
export function wantedNames(statement: string): string[] {
  const clause = statement.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, " ").replace(/^(?:import|export)\b/, "");
  const names = [...(/\{([^}]*)\}/.exec(clause)?.[1] ?? "").split(",")]
    .map((item) => item.trim().split(/\s+as\s+/)[0]!.replace(/^["']|["']$/g, ""))
    .filter(Boolean);
  const isDefault = statement.startsWith("import") && /^\s*[\p{ID_Start}$_][\p{ID_Continue}$]*\s*(?:,|from\b)/u.test(clause) && !/^\s*from\s*["']/.test(clause);
  return isDefault ? ["default", ...names] : names;
}

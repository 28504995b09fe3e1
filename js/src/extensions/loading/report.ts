// Evaluating modules beside each other, and what to tell about those that failed.

import { packOf, readable } from "./names";

/** Seconds of rest after which what is not ready yet is no longer waited for. */
const PATIENCE_MS = 10_000;

export interface Outcome {
  name: string;
  error?: unknown;
  /** Still at work, as a module that waits for ever at its top is. */
  pending?: boolean;
}

export interface ModuleProblem {
  /** Null where no pack's folder holds the module. */
  pack: string | null;
  /** Where the module lies, for people. */
  path: string;
  /** One line: what went wrong and where. */
  message: string;
  stack?: string;
  /** Modules that could not be loaded because of it. */
  dependants: string[];
  /** It may still get ready. */
  pending?: boolean;
}

export interface LoadReport {
  /** Paths of the modules that were evaluated. */
  loaded: string[];
  problems: ModuleProblem[];
  /** Names that packs import of modules of the host which these don't have; they are undefined there. */
  lacking: { module: string; name: string; by: string[]; packs: string[] }[];
  /** `sources`: until every module was there; `total`: until they were evaluated. */
  seconds: { sources: number; total: number };
}

/** Starts every import at once; resolves when all are settled or none has been for a while. */
export function evaluate(imports: [name: string, start: () => Promise<unknown>][], patience = PATIENCE_MS): Promise<Outcome[]> {
  const waiting = new Set(imports.map(([name]) => name));
  const outcomes: Outcome[] = [];
  return new Promise((resolve) => {
    let timer = 0 as unknown as ReturnType<typeof setTimeout>;
    const finish = () => {
      clearTimeout(timer);
      resolve([...outcomes, ...[...waiting].map((name) => ({ name, pending: true }))]);
    };
    const settle = (outcome: Outcome) => {
      if (!waiting.delete(outcome.name)) return;
      outcomes.push(outcome);
      clearTimeout(timer);
      if (waiting.size) timer = setTimeout(finish, patience);
      else finish();
    };
    timer = setTimeout(finish, patience);
    if (!imports.length) finish();
    for (const [name, start] of imports) start().then(() => settle({ name }), (error: unknown) => settle({ name, error }));
  });
}

/** Modules that failed with one and the same error failed because of one of them. */
export async function reportOf(
  outcomes: Outcome[], urls: ModuleUrls, window: Window, lacking: LoadReport["lacking"], seconds: LoadReport["seconds"],
): Promise<LoadReport> {
  const loaded = outcomes.filter(({ error, pending }) => error === undefined && !pending).map(({ name }) => readable(name));
  const problems: ModuleProblem[] = [];
  const seen = new Map<unknown, ModuleProblem>();
  for (const { name, error, pending } of outcomes) {
    if (pending) problems.push({ pack: packOf(name), path: readable(name), message: "is still not ready; the editor goes on without it", dependants: [], pending });
    if (error === undefined) continue;
    const known = seen.get(error);
    if (known) {
      known.dependants.push(readable(name));
      continue;
    }
    const problem = await describe(name, error, urls, window);
    seen.set(error, problem);
    problems.push(problem);
  }
  return { loaded, problems, lacking, seconds };
}

async function describe(name: string, error: unknown, urls: ModuleUrls, window: Window): Promise<ModuleProblem> {
  const { name: kind, message, stack } = (error ?? {}) as Partial<Error>;
  const url = urls.urlOf(name);
  const place = kind === "SyntaxError" && url ? await locate(url, urls, window) : placeIn(stack);
  const culprit = place?.name ?? name;
  const text = message === undefined ? String(error) : kind && kind !== "Error" ? `${kind}: ${message}` : message;
  return {
    pack: packOf(culprit) ?? packOf(name), path: readable(culprit), message: place?.line ? `${text} (line ${place.line})` : text, dependants: culprit === name ? [] : [readable(name)],
    ...(stack && { stack }),
  };
}

/** Where the modules' texts are. */
export interface ModuleUrls {
  urlOf(name: string): string | undefined;
  nameOf(url: string): string;
}

interface Place {
  name: string;
  line: number;
}

/** The topmost module in a stack. */
function placeIn(stack: string | undefined): Place | null {
  const found = /(https:\/\/comfy\.invalid\/[^\s()]*?):(\d+)(?::\d+)?\)?$/m.exec(stack ?? "");
  return found ? { name: found[1]!, line: Number(found[2]) } : null;
}

/** `import()` does not say where a mistake in the text is; a script element does. It evaluates nothing that failed. */
function locate(url: string, urls: ModuleUrls, window: Window): Promise<Place | null> {
  return new Promise((resolve) => {
    const script = window.document.createElement("script");
    const end = (place: Place | null) => {
      window.removeEventListener("error", onError);
      clearTimeout(timer);
      script.remove();
      resolve(place);
    };
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      end(event.filename ? { name: urls.nameOf(event.filename), line: event.lineno } : null);
    };
    const timer = setTimeout(() => end(null), 500);
    window.addEventListener("error", onError);
    script.type = "module";
    script.onload = () => end(null);
    script.onerror = () => end(null);
    script.src = url;
    window.document.head.append(script);
  });
}

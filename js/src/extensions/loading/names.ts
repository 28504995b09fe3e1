// What a module is called. Every module of the kernel has the name that its URL would have on a ComfyUI server at ORIGIN,
// the base address of the editor's frame; nothing answers there, so names never reach a network by accident.

export const ORIGIN = "https://comfy.invalid";

export type Resolved =
  | { kind: "kernel"; name: string }
  /** Another site's module, or a blob: or data: URL: the browser loads it. */
  | { kind: "outside"; name: string }
  /** `import "three"`: a browser can't know where that is. */
  | { kind: "bare"; name: string };

const BARE = `${ORIGIN}/.bare/`;

/** What `specifier`, imported by the module `base`, means. `own` are further origins that stand for the kernel. */
export function resolve(specifier: string, base: string, own: readonly string[] = []): Resolved {
  const url = parse(specifier, base);
  if (!url) return { kind: "bare", name: BARE + encodeURIComponent(specifier) };
  const isKernel = url.origin === ORIGIN || own.includes(url.origin);
  return isKernel ? { kind: "kernel", name: nameOf(url) } : { kind: "outside", name: url.href };
}

function parse(specifier: string, base: string): URL | null {
  const isRelative = /^\.{0,2}\//.test(specifier);
  try {
    return isRelative ? new URL(specifier, base) : new URL(specifier);
  } catch {
    return null;
  }
}

/** Safe in both kinds of quotes. `/api/…` and `/…` are the same route. */
function nameOf({ pathname, search, hash }: URL): string {
  return `${ORIGIN}${pathname.replace(/^\/api\//, "/")}${search}${hash}`.replaceAll("'", "%27");
}

/** The name of the module at a path as the kernel lists it. */
export function nameOfPath(path: string): string {
  return nameOf(new URL(path, ORIGIN));
}

/** What to ask the kernel for: path and query. */
export function requestPath(name: string): string {
  return name.slice(ORIGIN.length).replace(/#.*/s, "");
}

/** The path alone, percent-encoded as the kernel lists it. */
export function pathOf(name: string): string {
  return requestPath(name).replace(/\?.*/s, "");
}

/** For people: where a module lies. */
export function readable(name: string): string {
  const path = name.startsWith(BARE) ? name.slice(BARE.length) : name.startsWith(ORIGIN) ? requestPath(name) : name;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The pack whose folder a module lies in. */
export function packOf(name: string): string | null {
  const folder = /^\/extensions\/([^/]+)\//.exec(pathOf(name))?.[1];
  return folder ? decodeURIComponent(folder) : null;
}

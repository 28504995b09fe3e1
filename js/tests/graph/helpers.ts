// A browser as far as litegraph needs one, definitions and recorded workflows.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GraphServices, NodeInfo, WorkflowJson } from "../../src/graph/types";

const FOLDER = join(import.meta.dirname, "..", "..", "..", "..", "shared", "parity", "workflows");
export const hasRecordings = existsSync(join(FOLDER, "node_inputs.json"));

export function recordings(): string[] {
  return hasRecordings ? readdirSync(FOLDER).filter((name) => name.endsWith(".ui.json")).sort() : [];
}

export function readRecording(name: string): WorkflowJson {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf-8")) as WorkflowJson;
}

export function recordedDefinitions(): Record<string, NodeInfo> {
  const raw = JSON.parse(readFileSync(join(FOLDER, "node_inputs.json"), "utf-8")) as Record<string, Record<string, unknown>>;
  return Object.fromEntries(Object.entries(raw).map(([name, entry]) => {
    const { required, optional, ...rest } = entry;
    return [name, { ...rest, name, display_name: name, input: { required, optional } } as NodeInfo];
  }));
}

/** Canvas methods do nothing; text is measured by its length. */
export function stubBrowser(): void {
  const context = new Proxy({} as Record<string, unknown>, {
    get: (target, key) => {
      if (key === "measureText") return (text: string) => ({ width: text.length * 7 });
      if (key === "canvas") return { width: 800, height: 600 };
      if (key in target) return target[key as string];
      return () => ({ addColorStop: () => undefined, setTransform: () => undefined });
    },
    set: (target, key, value) => {
      target[key as string] = value;
      return true;
    },
  });
  HTMLCanvasElement.prototype.getContext = (() => context) as never;
  const observer = class {
    observe(): void {}
    disconnect(): void {}
    unobserve(): void {}
  };
  Object.assign(globalThis, { ResizeObserver: observer, IntersectionObserver: observer });
  globalThis.matchMedia ??= (() => ({ addEventListener: () => undefined, removeEventListener: () => undefined, matches: false })) as never;
}

export function testServices(notices: string[] = []): GraphServices {
  const memory = new Map<string, string>();
  return {
    fileUrl: async () => "data:image/png;base64,",
    upload: async (file) => ({ name: file.name, subfolder: "", type: "input" }),
    pickFile: async () => null,
    notify: (severity, text) => void notices.push(`${severity}: ${text}`),
    storage: {
      getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => void memory.set(key, value), removeItem: (key) => void memory.delete(key),
    },
  };
}

// `scripts/utils.js`: the small helpers that packs import.

import { applyTextReplacements, formatDate } from "./text-replacements";

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- packs pass what they like

/** Loads a style sheet: a URL, or the one beside a script (`x.js` → `x.css`), relative to another URL if given. */
function addStylesheet(urlOrFile: string, relativeTo?: string): Promise<void> {
  const file = urlOrFile.replace(/\.js(?=$|[?#])/, ".css");
  const link = document.createElement("link");
  const loaded = new Promise<void>((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => reject(new Error(`The style sheet ${file} was not loaded.`));
  });
  link.rel = "stylesheet";
  link.href = relativeTo ? new URL(file, relativeTo).href : file;
  document.head.append(link);
  return loaded;
}

function downloadBlob(filename: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Never settles when the person cancels. */
function uploadFile(accept: string): Promise<File> {
  return new Promise((resolve, reject) => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = accept;
    input.onchange = () => {
      const file = input.files?.[0];
      if (file) resolve(file);
      else reject(new Error("No file selected"));
    };
    input.click();
  });
}

function clone<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    return JSON.parse(JSON.stringify(value)) as T; // functions and elements
  }
}

/** Gives `target` a property whose changes are told: `onChanged(value, before, target, name)`. */
function prop<T>(target: object, name: string, defaultValue: T, onChanged?: (value: T, before: T, target: object, name: string) => void): T {
  let current: T;
  Object.defineProperty(target, name, {
    get: () => current,
    set(value: T) {
      const before = current;
      current = value;
      onChanged?.(value, before, target, name);
    },
  });
  return ((target as Any)[name] = defaultValue);
}

const ownKey = (id: string): string => `${id}:${(window.comfyAPI?.["api"]?.["api"] as Any)?.clientId ?? ""}`;

/** What this view stored under `id`, else what any did last. */
function getStorageValue(id: string): string | null {
  return sessionStorage.getItem(ownKey(id)) ?? localStorage.getItem(id);
}

function setStorageValue(id: string, value: string): void {
  sessionStorage.setItem(ownKey(id), value);
  localStorage.setItem(id, value);
}

export const helperExports = {
  addStylesheet, applyTextReplacements, clone, downloadBlob, formatDate, getStorageValue, prop, setStorageValue, uploadFile,
};

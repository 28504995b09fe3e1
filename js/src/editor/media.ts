// Files of the kernel as blob URLs: fetched once, shared, and given back to the browser when old or when the editor closes.

import type { FileRef } from "../graph";
import type { KernelApi } from "./api";

const KEEP = 200;

export class Media {
  private readonly urls = new Map<string, Promise<string>>();
  private destroyed = false;

  constructor(private readonly api: Pick<KernelApi, "view">) {}

  /** Rejects when the kernel does not have the file. */
  url(ref: FileRef): Promise<string> {
    const key = keyOf(ref);
    const known = this.urls.get(key);
    if (known) {
      this.urls.delete(key);
      this.urls.set(key, known);
      return known;
    }
    const made = this.load(ref);
    this.urls.set(key, made);
    made.catch(() => this.urls.get(key) === made && this.urls.delete(key));
    for (const [old, url] of this.urls) {
      if (this.urls.size <= KEEP) break;
      this.drop(old, url);
    }
    return made;
  }

  /** The file has new contents: the next `url` fetches them. */
  forget(ref: FileRef): void {
    const key = keyOf(ref);
    const known = this.urls.get(key);
    if (known) this.drop(key, known);
  }

  destroy(): void {
    this.destroyed = true;
    for (const [key, url] of this.urls) this.drop(key, url);
  }

  private async load(ref: FileRef): Promise<string> {
    const query = new URLSearchParams({ filename: ref.filename, subfolder: ref.subfolder ?? "", type: ref.type ?? "output" });
    const blob = await this.api.view(query);
    if (this.destroyed) throw new Error("The editor was closed.");
    return URL.createObjectURL(blob);
  }

  private drop(key: string, url: Promise<string>): void {
    this.urls.delete(key);
    url.then((text) => URL.revokeObjectURL(text)).catch(() => undefined);
  }
}

function keyOf(ref: FileRef): string {
  return `${ref.type ?? "output"}/${ref.subfolder ?? ""}/${ref.filename}`;
}

/** The files a node's `ui` output names, whatever their kind. */
export function filesOf(ui: Record<string, unknown> | null | undefined): FileRef[] {
  return Object.values(ui ?? {})
    .filter(Array.isArray)
    .flat()
    .filter((item): item is FileRef => typeof (item as FileRef | null)?.filename === "string");
}

export function saveAs(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

export function saveText(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  saveAs(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

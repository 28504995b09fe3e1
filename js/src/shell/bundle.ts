// The editor's code, fetched once per page and content hash whoever asks first, and run in a realm of the caller's choice.

import type { MountEditor } from "../host";

export interface EditorModule {
  mount: MountEditor;
}

/** Each model evaluates a copy of the shell, so what they share hangs on the page. Plain values only: realms differ. */
const page = window as unknown as { __comfyNotebookBundles?: Record<string, Promise<string>> };

export async function bundleUrl(hash: string, fetchText: () => Promise<string>): Promise<string> {
  const bundles = (page.__comfyNotebookBundles ??= {});
  try {
    const shared = await bundles[hash];
    if (shared) return shared;
  } catch {
    // the view that fetched it went away meanwhile
  }
  const own = fetchText().then((text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  bundles[hash] = own;
  own.catch(() => bundles[hash] === own && delete bundles[hash]);
  return own;
}

/** The newest code this page has: most likely the one that the next editor needs. */
export async function knownBundle(): Promise<{ hash: string; url: string } | null> {
  const [hash, url] = Object.entries(page.__comfyNotebookBundles ?? {}).at(-1) ?? [];
  try {
    return hash && url ? { hash, url: await url } : null;
  } catch {
    return null;
  }
}

/** Import `url` as a module of `win`; its globals and its `document` are those of that window. */
export function importInto(win: Window, url: string): Promise<EditorModule> {
  return new Promise((resolve, reject) => {
    Object.assign(win, { __comfyNotebookLoad: [resolve, reject] });
    const script = win.document.createElement("script");
    script.textContent = `import(${JSON.stringify(url)}).then(...__comfyNotebookLoad)`;
    script.onerror = reject;
    win.document.head.append(script);
    script.remove();
  });
}

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

/**
 * Evaluate `url` in `win`; its globals and its `document` are those of that window. It is a classic script: once a window
 * has loaded a module, some browsers take no import map there any more, and packs need one.
 */
export function evaluateIn(win: Window, url: string): Promise<EditorModule> {
  return new Promise((resolve, reject) => {
    const realm = win as unknown as { comfyNotebookEditor?: EditorModule | undefined };
    const script = win.document.createElement("script");
    let failure: unknown;
    const onError = ({ filename, error, message }: ErrorEvent) => filename === url && (failure = error ?? new Error(message));
    const end = (error?: unknown) => {
      win.removeEventListener("error", onError);
      script.remove();
      const module = realm.comfyNotebookEditor;
      realm.comfyNotebookEditor = undefined;
      if (module?.mount) resolve(module);
      else reject(error ?? failure ?? new Error("its code has no mount()"));
    };
    win.addEventListener("error", onError);
    script.onload = () => end();
    script.onerror = () => end(new Error("its code could not be loaded"));
    script.src = url;
    win.document.head.append(script);
  });
}

// Where the editor lives: a frame of its own in the same origin, or, where frames are refused, the cell itself.

import { ensureStorage, ownStorage } from "./storage";

export interface Place {
  window: Window;
  root: HTMLElement;
  element: HTMLElement;
}

/** Moving a frame in the page reloads it: its document is another one then. */
export function isWhole({ element, root }: Place): boolean {
  return element === root || (element as HTMLIFrameElement).contentDocument === root.ownerDocument;
}

// document.write into about:blank keeps the notebook's origin, so blobs and fetches work as they do outside; the base
// makes sure that a relative URL of the editor never reaches the notebook server.
const PAGE =
  '<!doctype html><meta charset=utf-8><base href="https://comfy.invalid/">' +
  "<style>html,body{height:100%;margin:0;overflow:hidden}#comfy-notebook{position:absolute;inset:0}</style>" +
  "<body><div id=comfy-notebook></div>";

/** Appends a frame to `parent`, or nothing and null when the sandbox keeps frames apart. */
export function openFrame(parent: HTMLElement): Place | null {
  const frame = document.createElement("iframe");
  frame.className = "comfy-notebook-frame";
  frame.title = "Comfy editor";
  frame.allow = "clipboard-read; clipboard-write; fullscreen";
  frame.style.cssText = "display:block;width:100%;height:100%;border:0";
  parent.append(frame);
  const place = writeFrame(frame);
  if (!place) frame.remove();
  return place;
}

function writeFrame(frame: HTMLIFrameElement): Place | null {
  try {
    const doc = frame.contentDocument!;
    doc.open();
    doc.write(PAGE);
    doc.close();
    const win = frame.contentWindow!;
    ownStorage(win);
    standAtTheRoot(win);
    for (const type of ["dragenter", "dragover", "drop"]) {
      // A dropped file must not replace the editor's page, and VS Code must not claim it.
      doc.addEventListener(type, (event) => event.preventDefault());
    }
    return { window: win, root: doc.getElementById("comfy-notebook")!, element: frame };
  } catch {
    return null; // an opaque sandbox gives every frame an origin of its own
  }
}

/** Packs find the server from where they are: `location.pathname` must not be the notebook's. */
function standAtTheRoot(win: Window): void {
  try {
    win.history.replaceState(null, "", `${win.location.origin}/`);
  } catch {
    // addresses of this host can't be changed
  }
}

const CONTAINED = ["keydown", "keyup", "keypress", "wheel", "contextmenu", "copy", "cut", "paste"];

/** In the cell itself, what is typed, wheeled and clicked in the editor must not reach the notebook around it. */
export function openDirect(parent: HTMLElement): Place {
  const root = document.createElement("div");
  root.className = "comfy-notebook-direct";
  root.style.cssText = "position:absolute;inset:0;overflow:hidden";
  root.dataset.lmSuppressShortcuts = "true";
  for (const type of CONTAINED) root.addEventListener(type, (event) => event.stopPropagation());
  for (const type of ["dragenter", "dragover", "drop"]) {
    root.addEventListener(type, (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
  }
  ensureStorage(window);
  parent.append(root);
  return { window, root, element: root };
}

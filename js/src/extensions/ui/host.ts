// What this folder needs of the app and the editor.

import type { Editor } from "../../editor/editor";
import type { ExtensionStatics } from "./types";

export type UiEditor = Pick<Editor, "parts" | "view" | "commands" | "dialogs" | "toolbar" | "settingsDialog" | "settings" | "packProblems" | "files" | "workspace" | "openSettings" | "run" | "toolbox" | "maskEditor"> & { sharesPage: boolean };

export interface UiApi extends EventTarget {
  fetchApi(route: string, options?: RequestInit): Promise<Response>;
}

/** `app` as far as it is needed here; members of packs' patching are looked up on each call. */
export interface UiApp {
  readonly api: UiApi;
  readonly editor: UiEditor;
  readonly extensions?: readonly ExtensionStatics[];
  queuePrompt?(number: number, batchCount?: number): unknown;
  handleFile?(file: File): unknown;
  loadGraphData?(): unknown;
  openClipspace?(): unknown;
}

// What the views of a page share (host.ts). It hangs on the page, since each model evaluates a copy of the shell.

import type { PageStore } from "../host";

const page = window as unknown as { __comfyNotebookTexts?: Map<string, string> };
const texts = (page.__comfyNotebookTexts ??= new Map());

export const pageStore: PageStore = {
  get: (key) => texts.get(key),
  set: (key, value) => void texts.set(key, value),
  url: (text, type) => URL.createObjectURL(new Blob([text], { type })),
};

// The elements that packs look for in the page by id or class. The editor has its own toolbar: these are not shown, but a
// click on them does what it says, and packs put theirs beside them.

import { $el } from "./element";

export interface HostButtons {
  menu: HTMLElement;
  queueSize: HTMLElement;
  fileInput: HTMLInputElement;
}

export interface HostActions {
  queue(front: boolean): unknown;
  open(file: File): unknown;
  run(command: string): unknown;
  view(list: "queue" | "history"): unknown;
  loadDefault(): unknown;
  clipspace(): unknown;
}

export function makeHostButtons(actions: HostActions): HostButtons {
  const hidden = (tag: string, id: string, textContent: string, onclick: () => unknown) => $el(`${tag}.cn-unseen`, { id, textContent, onclick, tabIndex: -1, ariaHidden: "true" });
  const queueSize = $el("span.comfy-menu-queue-size.cn-unseen", { textContent: "Queue size: 0" });
  const fileInput = $el<HTMLInputElement>("input.cn-unseen", {
    id: "comfy-file-input", type: "file", accept: ".json,image/png,image/webp,image/svg+xml,.latent,.safetensors,audio/flac,video/mp4,video/webm", tabIndex: -1,
    onchange: () => {
      const file = fileInput.files?.[0];
      fileInput.value = ""; // the same file may be chosen again
      if (file) actions.open(file);
    },
  });
  const menu = $el("div.comfy-menu", [
    $el("div.drag-handle.comfy-menu-header.cn-unseen", [queueSize]),
    hidden("button.comfy-queue-btn", "queue-button", "Queue Prompt", () => actions.queue(false)),
    hidden("button", "queue-front-button", "Queue Front", () => actions.queue(true)),
    hidden("button", "comfy-view-queue-button", "View Queue", () => actions.view("queue")),
    hidden("button", "comfy-view-history-button", "View History", () => actions.view("history")),
    hidden("button", "comfy-save-button", "Save", () => actions.run("save-json")),
    hidden("button", "comfy-dev-save-api-button", "Save (API Format)", () => actions.run("save-api")),
    hidden("button", "comfy-load-button", "Load", () => fileInput.click()),
    hidden("button", "comfy-refresh-button", "Refresh", () => actions.run("refresh")),
    hidden("button", "comfy-clipspace-button", "Clipspace", () => actions.clipspace()),
    hidden("button", "comfy-clear-button", "Clear", () => actions.run("clear")),
    hidden("button", "comfy-load-default-button", "Load Default", () => actions.loadDefault()),
    hidden("button.comfy-settings-btn", "comfy-settings-button", "Settings", () => actions.run("settings")),
    hidden("button", "comfy-reset-view-button", "Reset View", () => actions.run("fit")),
  ]);
  return { menu, queueSize, fileInput };
}

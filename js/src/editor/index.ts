// The editor bundle: builds the editor in an element over a Host (../host.ts), and takes it down completely.

import { GraphView, type GraphServices } from "../graph";
import { listModules } from "../extensions/loading/list";
import type { Host, HostEvent, MountEditor } from "../host";
import { KernelApi } from "./api";
import { h } from "./dom";
import { Editor } from "./editor";
import type { EditorParts, StartData } from "./editor-parts";
import { Toasts } from "./feedback";
import { pickFile } from "./files";
import { packsSide } from "./packs-side";
import { icon } from "./icons";
import { Lightbox } from "./lightbox";
import { Media } from "./media";
import { safeStorage } from "./storage";
import { styleText } from "./styles";

export const mount: MountEditor = async (container, host) => {
  const api = new KernelApi(host);
  const root = h("div", { class: "cn-editor", "data-theme": host.theme.dark ? "dark" : "light" });
  const canvas = h("div", { class: "cn-stage" });
  const style = h("style", {}, styleText);
  root.append(style, canvas);
  container.append(root);
  const media = new Media(api);
  const toasts = new Toasts(root);
  const parts: EditorParts = { root, canvas, host, api, media, storage: safeStorage(), toasts, lightbox: new Lightbox(root, media) };

  let editor: Editor | null = null;
  let view: InstanceType<typeof GraphView> | null = null;
  let closed = false;
  const early: HostEvent[] = [];
  const stopEvents = host.onEvent((event) => (editor ? editor.handle(event) : early.push(event)));

  const start = async (): Promise<void> => {
    canvas.replaceChildren(skeleton());
    try {
      const data = await load(api, host);
      if (closed) return;
      canvas.replaceChildren();
      view = new GraphView(canvas, services(parts, () => editor));
      editor = new Editor(parts, view, data.definitions, data);
      // The way in for tests and for the browser's console.
      for (const element of [root, container]) Object.assign(element, { comfyNotebook: { editor, view } });
      for (const event of early.splice(0)) editor.handle(event);
    } catch (error) {
      view?.destroy();
      view = null;
      root.replaceChildren(style, canvas, ...root.querySelectorAll(":scope > .cn-toasts"));
      if (!closed) canvas.replaceChildren(failure(error, () => void start()));
    }
  };
  await start();

  return () => {
    closed = true;
    stopEvents();
    editor?.destroy();
    view?.destroy();
    media.destroy();
    toasts.destroy();
    root.remove();
    delete (container as { comfyNotebook?: unknown }).comfyNotebook;
  };
};

async function load(api: KernelApi, host: Host): Promise<StartData> {
  const scripts = listModules(host).then((list) => (Array.isArray(list?.modules) ? list : null), () => null); // or without the scripts of packs
  void scripts.then((list) => (list?.modules.length ? packsSide(host) : null)).catch(() => undefined); // on its way while the rest comes
  const settings = api.settings().catch(() => null); // an editor without its settings is still an editor
  const [definitions, { rev, document }, info] = await Promise.all([api.objectInfo(), api.document(), api.info()]);
  return { definitions, rev, document, info, settings: await settings, scripts: await scripts };
}

function services(parts: EditorParts, editor: () => Editor | null): GraphServices {
  return {
    fileUrl: (ref) => parts.media.url(ref),
    upload: (file, options) => {
      const files = editor()?.files;
      return files ? files.upload(file, options) : parts.api.upload(file, options);
    },
    pickFile: (accept) => pickFile(parts.root, accept),
    notify: (severity, text) => parts.toasts.show(severity, text),
    storage: parts.storage,
    fetchOptions: async (route) => {
      const options = await parts.api.json(route);
      return Array.isArray(options) ? options : [];
    },
    openImage: (images, index) => parts.lightbox.open(images, index),
  };
}

function skeleton(): HTMLElement {
  const card = (lines: number) => h("div", { class: "cn-skeleton-node" }, ...Array.from({ length: lines }, () => h("div", {})));
  return h("div", { class: "cn-skeleton", role: "status", "aria-label": "Loading the editor" }, card(3), card(5), card(4));
}

function failure(error: unknown, retry: () => void): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  console.error("comfy_notebook: the editor did not start", error);
  return h("div", { class: "cn-failure", role: "alert" }, icon("warning"),
    h("strong", {}, "The editor could not start"), h("p", {}, message || "The kernel did not answer."),
    h("button", { class: "cn-button cn-primary", onclick: retry }, "Retry"));
}

// The editor of a listening server with what packs see of its page, and without packs: packs-ui.html?editor=<id>&theme=light

import { mount } from "../src/editor";
import type { Editor } from "../src/editor/editor";
import { createExtensionManager, createMenu, createUi, registerExtensionUi, uiExports } from "../src/extensions/ui";
import { DevHost } from "./host";

const query = new URLSearchParams(location.search);
const box = document.getElementById("editor") as HTMLElement;
const host = new DevHost(query.get("editor") ?? "", query.get("theme") !== "light", box);
await mount(box, host);
const { editor } = (box as unknown as { comfyNotebook: { editor: Editor } }).comfyNotebook;
const api = Object.assign(new EventTarget(), { fetchApi: (route: string, options: RequestInit = {}) => host.request(route, options as never) });
const app = { api, editor, queued: [] as unknown[][], queuePrompt(...args: unknown[]) { this.queued.push(args); } } as Record<string, unknown>;
app.ui = createUi(app as never);
app.menu = createMenu(app as never);
app.extensionManager = createExtensionManager(app as never);
app.registerExtension = (extension: never) => registerExtensionUi(app as never, extension);
await (app.ui as { settings: { load(): Promise<void> } }).settings.load();
Object.assign(window, { host, app, comfyAPI: uiExports });

// An editor that is nothing but a place for packs' modules: the loader, the network and `api` without a graph, for tests.

import { ComfyApi } from "../src/extensions/api";
import { ModuleLoader, type LoadReport } from "../src/extensions/loading";
import { publish } from "../src/extensions/modules";
import { installNetwork } from "../src/extensions/network";
import type { MountEditor } from "../src/host";

export const mount: MountEditor = async (root, host) => {
  root.append(document.createElement("p"));
  const registered: string[] = [];
  const app = { registerExtension: ({ name }: { name: string }) => void registered.push(name) };
  const loader = new ModuleLoader(host, window, { patience: 1500 });
  installNetwork(host, window, (name) => loader.scriptUrl(name));
  const api = new ComfyApi(host);
  publish(window, { app: { app }, api: { api, ComfyApi } });
  const state = { host, app, api, loader, registered, seen: {} as Record<string, unknown>, report: null as LoadReport | null };
  Object.assign(window, { app }, state, { state });
  state.report = await loader.load(await loader.list());
  Object.assign(window, { report: state.report });
  return () => {
    api.destroy();
    root.replaceChildren();
  };
};

// The view as runs use it: what nodes put out is remembered for the image entries of their menus.

import type { GraphViewApi } from "../graph";

export function watchedView(view: GraphViewApi, outputs: Map<string, Record<string, unknown>>): GraphViewApi {
  return new Proxy(view, {
    get: (target, name: keyof GraphViewApi) => {
      if (name === "setOutputs") return (id: string, ui: Record<string, unknown> | null) => {
        if (ui) outputs.set(id, ui);
        target.setOutputs(id, ui);
      };
      const member = target[name];
      return typeof member === "function" ? (member as (...args: unknown[]) => unknown).bind(target) : member;
    },
  });
}

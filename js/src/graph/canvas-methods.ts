// Our versions of litegraph's canvas methods. They stand on the prototype, so that packs that wrap a method there wrap ours; an own
// property of the canvas would hide what packs do.
import { LGraphCanvas } from "./litegraph";

type Method = (...args: never[]) => unknown;

const own = new WeakMap<LGraphCanvas, Map<string, Method>>();
const stock = new Map<string, Method>();

/** Gives `canvas` its own version of a method, made from the one it has until now. */
export function replaceMethod<K extends keyof LGraphCanvas>(canvas: LGraphCanvas, name: K & string, make: (before: LGraphCanvas[K]) => LGraphCanvas[K]): void {
  place(name);
  let methods = own.get(canvas);
  if (!methods) own.set(canvas, (methods = new Map()));
  const before = methods.get(name) ?? (stock.get(name) as Method).bind(canvas as never);
  methods.set(name, make(before as LGraphCanvas[K]) as unknown as Method);
}

function place(name: string): void {
  if (stock.has(name)) return;
  const prototype = LGraphCanvas.prototype as unknown as Record<string, Method>;
  const before = prototype[name] as Method;
  stock.set(name, before);
  const method = function (this: LGraphCanvas, ...args: never[]): unknown {
    const mine = own.get(this)?.get(name);
    return mine ? mine(...args) : before.apply(this as never, args);
  };
  prototype[name] = method;
}

/** Litegraph's own version, whatever became of it. */
export const stockMenus = {
  canvas: (LGraphCanvas.prototype as unknown as Record<string, Method>).getCanvasMenuOptions,
  node: (LGraphCanvas.prototype as unknown as Record<string, Method>).getNodeMenuOptions,
  colors: (LGraphCanvas as unknown as Record<string, Method>).onMenuNodeColors,
  addGroup: (LGraphCanvas as unknown as Record<string, Method>).onGroupAdd,
};

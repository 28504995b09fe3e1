// The anywidget module. anywidget sends it once per widget and goes deaf when it takes 2 s to load, so it is small, does
// nothing until a view is rendered, and never waits.

import type { RenderProps } from "./afm";
import { View } from "./view";

export default {
  initialize() {},
  render({ model, el, signal }: RenderProps) {
    const view = new View(model, el);
    const dispose = () => view.dispose();
    signal?.addEventListener("abort", dispose);
    return dispose;
  },
};

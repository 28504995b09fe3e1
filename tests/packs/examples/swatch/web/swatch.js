import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { $el } from "../../scripts/ui.js";

const PRESETS = ["#ff8000", "#0080ff", "#20a040", "#ffffff"];

$el("link", { rel: "stylesheet", type: "text/css", href: new URL("./swatch.css", import.meta.url).href, parent: document.head });

function createSwatch(node, name, inputData) {
  const options = inputData[1] ?? {};
  const colour = $el("input", { type: "color", value: options.default ?? "#ffffff" });
  const element = $el("div.example-swatch", [
    colour,
    ...PRESETS.map((preset) =>
      $el("button", { title: preset, style: { background: preset }, onclick: () => choose(preset) }),
    ),
  ]);
  const widget = node.addDOMWidget(name, "SWATCH", element, {
    getValue: () => colour.value,
    setValue: (value) => {
      colour.value = value;
      node.bgcolor = value;
    },
    getMinHeight: () => 34,
    hideOnZoom: false,
  });

  function choose(value) {
    widget.value = value;
    widget.callback?.(value);
    app.graph.setDirtyCanvas(true, true);
  }
  colour.addEventListener("input", () => choose(colour.value));
  return { widget, minHeight: 40 };
}

app.registerExtension({
  name: "example.swatch",

  getCustomWidgets() {
    return { SWATCH: createSwatch };
  },

  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name !== "ColourSwatch") return;
    const onExecuted = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      this.title = `Swatch of ${output.colour[0]}`;
    };
  },

  async setup() {
    // colours have names where the server knows them
    const response = await api.fetchApi("/swatch/names");
    app.swatchNames = await response.json();
  },
});

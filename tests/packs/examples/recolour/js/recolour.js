import { app } from "../../scripts/app.js";
import { COLOURS, paint, paintAll } from "./colours.js";

// The colour of a node when it is made, chosen in the settings.
const SETTING = "Recolour.NewNodes";

app.registerExtension({
  name: "example.recolour",

  settings: [
    {
      id: SETTING,
      name: "Colour of new loaders",
      type: "combo",
      defaultValue: "none",
      options: ["none", ...Object.keys(COLOURS)],
    },
  ],

  nodeCreated(node) {
    const name = app.extensionManager.setting.get(SETTING);
    if (name in COLOURS && node.comfyClass?.startsWith("Load")) paint(node, name);
  },

  getNodeMenuItems(node) {
    return [
      null,
      {
        content: "Paint",
        submenu: { options: Object.keys(COLOURS).map((name) => ({ content: name, callback: () => paint(node, name) })) },
      },
    ];
  },

  // The way packs added entries for years, still the most common one.
  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.output_node) return;
    const original = nodeType.prototype.getExtraMenuOptions;
    nodeType.prototype.getExtraMenuOptions = function (canvas, options) {
      const result = original?.apply(this, arguments);
      options.push({ content: "Paint what leads here", callback: () => paintAll(app.graph, this) });
      return result;
    };
  },

  async setup() {
    const original = LGraphCanvas.prototype.getCanvasMenuOptions;
    LGraphCanvas.prototype.getCanvasMenuOptions = function () {
      const options = original.apply(this, arguments);
      options.push(null, {
        content: "Take all colours away",
        callback: () => {
          for (const node of app.graph._nodes) paint(node, null);
        },
      });
      return options;
    };
  },
});

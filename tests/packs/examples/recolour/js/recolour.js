import { app } from "../../scripts/app.js";

const COLOURS = { Red: "#733", Green: "#373", Blue: "#337" };

app.registerExtension({
  name: "example.recolour",
  getNodeMenuItems(node) {
    return Object.entries(COLOURS).map(([name, colour]) => ({
      content: `Paint ${name.toLowerCase()}`,
      callback: () => {
        node.color = colour;
        node.setDirtyCanvas(true, true);
      },
    }));
  },
});

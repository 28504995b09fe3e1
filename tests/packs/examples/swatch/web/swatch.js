import { app } from "../../scripts/app.js";

app.registerExtension({
  name: "example.swatch",
  getCustomWidgets() {
    return {
      SWATCH(node, name, data) {
        const input = document.createElement("input");
        input.type = "color";
        input.value = data[1]?.default ?? "#ffffff";
        const widget = node.addDOMWidget(name, "SWATCH", input, {
          getValue: () => input.value,
          setValue: (value) => {
            input.value = value;
          },
        });
        return { widget };
      },
    };
  },
});

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

app.registerExtension({
  name: "example.picker",
  setup() {
    api.addEventListener("picker.ask", async ({ detail }) => {
      const dialog = document.createElement("dialog");
      for (let index = 0; index < detail.count; index++) {
        const button = document.createElement("button");
        button.textContent = `Picture ${index + 1}`;
        button.onclick = async () => {
          dialog.remove();
          await api.fetchApi("/picker/choose", {
            method: "POST",
            body: JSON.stringify({ node: detail.node, index }),
          });
        };
        dialog.append(button);
      }
      document.body.append(dialog);
      dialog.showModal();
    });
  },
});

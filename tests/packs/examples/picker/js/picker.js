import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { PictureDialog } from "./lib/dialog.js";

const dialog = new PictureDialog();

async function ask({ detail }) {
  const node = app.graph.getNodeById(Number(detail.node));
  const index = await dialog.choose(node?.title ?? "Pick one", detail.images);
  if (index === null) {
    await api.interrupt();
    return;
  }
  await api.fetchApi("/picker/choose", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ node: detail.node, index }),
  });
}

app.registerExtension({
  name: "example.picker",
  setup() {
    api.addEventListener("picker.ask", ask);
    // an interrupt from elsewhere leaves nothing to answer
    api.addEventListener("execution_interrupted", () => dialog.close());
  },
});

import { api } from "../../../scripts/api.js";
import { $el, ComfyDialog } from "../../../scripts/ui.js";

/** Shows pictures of the server and answers with the one that was clicked. */
export class PictureDialog extends ComfyDialog {
  constructor() {
    super();
    this.element.classList.add("example-picker");
  }

  choose(title, images) {
    return new Promise((resolve) => {
      this.answer = resolve;
      this.show(
        $el("div", [
          $el("h3", { textContent: title }),
          $el(
            "div",
            { style: { display: "flex", gap: "8px", flexWrap: "wrap" } },
            images.map((image, index) =>
              $el("img", {
                src: api.apiURL(`/view?${new URLSearchParams(image)}`),
                alt: `Picture ${index + 1}`,
                style: { height: "96px", cursor: "pointer" },
                onclick: () => this.finish(index),
              }),
            ),
          ),
        ]),
      );
    });
  }

  finish(index) {
    const answer = this.answer;
    this.answer = null;
    super.close();
    answer?.(index);
  }

  close() {
    this.finish(null);
  }
}

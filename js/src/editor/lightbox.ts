// Images at full size over the editor: step through them, see them at 100 %, open and save them.

import { h, trapFocus } from "./dom";
import { icon, type IconName } from "./icons";
import { saveAs, type Media } from "./media";
import type { FileRef } from "../graph";

export class Lightbox {
  private box: HTMLElement | null = null;
  private images: FileRef[] = [];
  private at = 0;
  private actual = false;
  private before: Element | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly media: Media,
  ) {}

  get isOpen(): boolean {
    return this.box !== null;
  }

  open(images: FileRef[], index: number): void {
    if (images.length === 0) return;
    this.close();
    this.images = images;
    this.before = document.activeElement;
    this.box = h("div", { class: "cn-lightbox", role: "dialog", "aria-modal": "true", "aria-label": "Image", tabindex: "-1", onkeydown: (event: KeyboardEvent) => this.key(event) });
    trapFocus(this.box);
    this.root.append(this.box);
    this.show(index);
    this.box.focus({ preventScroll: true });
  }

  close(): void {
    this.box?.remove();
    this.box = null;
    if (this.before instanceof HTMLElement) this.before.focus({ preventScroll: true });
    this.before = null;
  }

  private show(index: number): void {
    const count = this.images.length;
    this.at = (index + count) % count;
    this.actual = false;
    const ref = this.images[this.at] as FileRef;
    const image = h("img", { alt: ref.filename, draggable: "false", onclick: () => this.zoom(image) });
    const size = h("span", {});
    const stage = h("div", { class: "cn-lightbox-stage", onclick: (event: Event) => event.target === stage && this.close() }, image);
    const button = (symbol: IconName, label: string, action: () => void, extra = "") =>
      h("button", { class: `cn-icon-button ${extra}`, title: label, "aria-label": label, onclick: action }, icon(symbol));
    this.box?.replaceChildren(
      h("div", { class: "cn-lightbox-bar" },
        h("span", { class: "cn-lightbox-name" }, ref.filename), size,
        count > 1 && h("span", {}, `${this.at + 1} / ${count}`), h("span", { class: "cn-spacer" }),
        button("search", "Fit or 100 % (Z)", () => this.zoom(image)),
        button("external", "Open in a new tab", () => void this.withUrl(ref, (url) => window.open(url, "_blank"))),
        button("save", "Save image (S)", () => void this.withUrl(ref, (url) => saveAs(url, ref.filename))),
        button("close", "Close (Esc)", () => this.close())),
      stage,
      ...(count > 1 ? [button("left", "Previous image", () => this.show(this.at - 1), "cn-lightbox-prev"), button("right", "Next image", () => this.show(this.at + 1), "cn-lightbox-next")] : []),
    );
    image.onload = () => { size.textContent = `${image.naturalWidth} × ${image.naturalHeight}`; };
    this.media.url(ref).then(
      (url) => { image.src = url; },
      (error: Error) => stage.replaceChildren(h("div", { class: "cn-empty" }, h("strong", {}, "The image could not be loaded."), h("span", {}, error.message))),
    );
  }

  private async withUrl(ref: FileRef, use: (url: string) => void): Promise<void> {
    await this.media.url(ref).then(use, () => undefined);
  }

  private zoom(image: HTMLImageElement): void {
    this.actual = !this.actual;
    image.parentElement?.classList.toggle("cn-actual", this.actual);
  }

  private key(event: KeyboardEvent): void {
    const image = this.box?.querySelector("img");
    const ref = this.images[this.at];
    if (event.key === "Escape") this.close();
    else if (event.key === "ArrowLeft") this.show(this.at - 1);
    else if (event.key === "ArrowRight") this.show(this.at + 1);
    else if (event.key === "z" && image) this.zoom(image);
    else if (event.key === "s" && ref) void this.withUrl(ref, (url) => saveAs(url, ref.filename));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// What is in the clipspace, with what packs offer to do with it; and the mask editor under the name that packs import.
import { ComfyApp } from "./app";
import { ComfyDialog } from "./ui/dialog";
import { $el } from "./ui/element";

interface Offer {
  name: string;
  /** Whether it is offered for what is in the clipspace now. */
  predicate: unknown;
  callback(): unknown;
}

export class ClipspaceDialog extends ComfyDialog {
  static items: Offer[] = [];
  static instance: ClipspaceDialog | null = null;

  static registerButton(name: string, contextPredicate: unknown, callback: () => unknown): void {
    ClipspaceDialog.items = [...ClipspaceDialog.items.filter((item) => item.name !== name), { name, predicate: contextPredicate, callback }];
  }

  /** The clipspace holds something else now. */
  static invalidate(): void {
    ClipspaceDialog.instance?.draw();
  }

  static invalidatePreview(): void {
    ClipspaceDialog.invalidate();
  }

  static open(): void {
    ClipspaceDialog.instance ??= new ClipspaceDialog();
    ClipspaceDialog.instance.show();
  }

  override show(): void {
    super.show([]);
    this.draw();
  }

  private draw(): void {
    const { clipspace } = ComfyApp;
    const pictures = clipspace?.imgs ?? [];
    if (!clipspace || (pictures.length === 0 && !clipspace.images?.length)) return this.textElement.replaceChildren("The clipspace is empty: copy a picture with Copy (Clipspace) in the menu of its node.");
    const mode = $el("select", { onchange: () => { clipspace.img_paste_mode = mode.value; } },
      [["selected", "Paste the selected picture"], ["all", "Paste all pictures"]].map(([value, textContent]) => $el("option", { value, textContent }))) as HTMLSelectElement;
    mode.value = clipspace.img_paste_mode;
    this.textElement.replaceChildren(
      $el("div.cn-clipspace", pictures.map(({ src }, index) => $el("button", {
        type: "button", ariaPressed: String(index === clipspace.selectedIndex), ariaLabel: `Picture ${index + 1}`,
        onclick: () => { clipspace.selectedIndex = index; this.draw(); },
      }, [$el("img", { src, alt: "" })]))),
      ...(pictures.length > 1 ? [mode] : []),
      $el("div.cn-clipspace-offers", this.offers().map(({ name, callback }) => $el("button", { type: "button", textContent: name, onclick: () => { this.close(); void callback(); } }))),
    );
  }

  private offers(): Offer[] {
    const mask: Offer = { name: "MaskEditor", predicate: null, callback: () => ComfyApp.open_maskeditor?.() };
    return [mask, ...ClipspaceDialog.items].filter(({ predicate }) => typeof predicate !== "function" || predicate());
  }
}

/** The mask editor on what is in the clipspace. */
export class MaskEditorDialog {
  static instance: MaskEditorDialog | null = null;
  static getInstance(): MaskEditorDialog { return (MaskEditorDialog.instance ??= new MaskEditorDialog()); }
  isOpened(): boolean { return ComfyApp.maskeditor_is_opended?.() ?? false; }
  show(): void { ComfyApp.open_maskeditor?.(); }
}

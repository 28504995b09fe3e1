// Notes: plain text, and Markdown that is shown rendered until it is edited.
import { renderMarkdown } from "../widgets/markdown";
import { plainText } from "../widgets/number";
import { addTextArea, guardElement } from "./build-widgets";
import { addDomWidget } from "./dom-widget";
import type { LGraphNode } from "./litegraph";
import { activeSurface } from "./surface";
import { VirtualNode } from "./virtual-node";
import type { AnyWidget } from "./widget-classes";

export class NoteNode extends VirtualNode {
  static override title = "Note";
  override color = "#432";
  override bgcolor = "#653";

  constructor(title: string) {
    super(title);
    this.serialize_widgets = true;
    const widget = addTextArea(this, "text", { options: { placeholder: "Note" }, defaultValue: "", label: "Note" });
    (widget as AnyWidget).name = "";
    this.setSize([240, 130]);
  }
}

export class MarkdownNoteNode extends VirtualNode {
  static override title = "Markdown Note";
  override color = "#432";
  override bgcolor = "#653";

  constructor(title: string) {
    super(title);
    this.serialize_widgets = true;
    addMarkdown(this);
    this.setSize([260, 160]);
  }
}

function addMarkdown(node: LGraphNode): void {
  const holder = document.createElement("div");
  const view = document.createElement("div");
  view.className = "cn-markdown";
  view.title = "Double-click to edit";
  const area = document.createElement("textarea");
  area.className = "cn-textarea";
  area.hidden = true;
  area.style.display = "none";
  area.setAttribute("aria-label", "Markdown text");
  holder.append(view, area);
  let held: unknown = "";
  const show = (): void => renderMarkdown(view, plainText(held));
  const edit = (on: boolean): void => {
    area.style.display = on ? "" : "none";
    view.style.display = on ? "none" : "";
    if (on) {
      area.value = plainText(held);
      area.focus();
    } else show();
  };
  const widget = addDomWidget(node, "", "MARKDOWN", holder, {
    getValue: () => held,
    setValue: (value) => {
      held = value;
      show();
    },
    getMinHeight: () => 40,
  });
  view.addEventListener("dblclick", () => {
    if (!activeSurface()?.readOnly) edit(true);
  });
  area.addEventListener("blur", () => edit(false));
  area.addEventListener("input", () => {
    const old = held;
    held = area.value;
    node.onWidgetChanged?.("", held, old, widget as AnyWidget);
    activeSurface()?.changed("widget");
  });
  guardElement(view);
  guardElement(area);
}

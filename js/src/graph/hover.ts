// What the pointer does beside litegraph's own: tooltips, typing over a number, dropped and pasted files, title double clicks.
import { isRecord } from "./definitions";
import type { ViewCore } from "./core";
import { uploadTo } from "./build-widgets";
import { UnknownNode } from "./defined-node";
import type { LGraphGroup, LGraphNode } from "./litegraph";
import type { Menus } from "./menus";
import { whatItNeeds } from "./missing-nodes";
import { type AnyWidget, editNumber, oddWidget } from "./widget-classes";

const DELAY = 550;

export class Hover {
  #timer = 0;
  #tip: HTMLElement | null = null;

  constructor(readonly core: ViewCore, readonly menus: Menus) {
    const { element, canvas } = core;
    core.listen(element, "pointermove", ((event: PointerEvent) => this.#moved(event)) as EventListener);
    for (const type of ["pointerdown", "pointerleave", "wheel", "keydown"]) core.listen(element, type, () => this.hide(), true);
    core.listen(element, "keydown", ((event: KeyboardEvent) => this.#typed(event)) as EventListener);
    core.listen(element, "dragover", ((event: DragEvent) => this.#dragOver(event)) as EventListener, true);
    core.listen(element, "drop", ((event: DragEvent) => void this.#dropped(event)) as EventListener, true);
    canvas.onNodeDblClicked = (node) => {
      const y = (canvas.graph_mouse[1] as number) - node.pos[1];
      if (y < 0) menus.editTitle(node);
    };
    core.listen(element, "litegraph:canvas", ((event: CustomEvent) => {
      const { subType, group } = event.detail as { subType: string; group?: LGraphGroup };
      if (subType === "group-double-click" && group) {
        const y = (canvas.graph_mouse[1] as number) - group.pos[1];
        if (y <= group.titleHeight) menus.editGroup(group);
        else if (!core.readOnly) core.emit("empty-double-click", { pos: [...canvas.graph_mouse] as [number, number], client: this.#client });
      }
    }) as EventListener);
  }

  #client: [number, number] = [0, 0];

  #moved(event: PointerEvent): void {
    this.#client = [event.clientX, event.clientY];
    this.hide();
    if (event.buttons) return;
    this.#timer = window.setTimeout(() => this.#show(event), DELAY);
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.#tip?.remove();
    this.#tip = null;
  }

  #show(event: PointerEvent): void {
    const { canvas } = this.core;
    const [x, y] = canvas.convertEventToCanvasOffset(event) as unknown as [number, number];
    const node = this.core.shownGraph().getNodeOnPos(x, y, canvas.visible_nodes);
    const text = node && this.textFor(node, x, y);
    if (!text) return;
    const tip = document.createElement("div");
    tip.className = "cn-tooltip";
    tip.setAttribute("role", "tooltip");
    tip.textContent = text;
    const { overlay } = this.core;
    overlay.append(tip);
    const box = overlay.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 12, overlay.clientWidth - tip.offsetWidth - 6);
    const below = event.clientY - box.top + 18;
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${below + tip.offsetHeight > overlay.clientHeight ? below - tip.offsetHeight - 26 : below}px`;
    this.#tip = tip;
  }

  textFor(node: LGraphNode, x: number, y: number): string {
    const info = this.core.infoOf(node.type);
    const runtime = this.core.runtimeOf(node);
    if (node instanceof UnknownNode && (y < node.pos[1] || !node.getSlotInPosition(x, y))) {
      return `The node type ${node.type} is not installed. ${whatItNeeds(node.type, node.properties)}`;
    }
    if (y < node.pos[1]) {
      if (runtime?.error) return runtime.error.message;
      const stale = runtime?.stale ? "The result is older than the inputs: run again to renew it." : "";
      const title = String(node.getTitle() ?? "");
      return [stale, title.length > 26 ? title : "", info?.description ?? ""].filter(Boolean).join("\n\n");
    }
    if (node.flags.collapsed) return "";
    const slot = node.getSlotInPosition(x, y) as AnyWidget;
    if (slot?.output) {
      const tooltip = info?.output_tooltips?.[slot.slot];
      return [`${slot.output.label ?? slot.output.name}: ${slot.output.type}`, tooltip].filter(Boolean).join("\n");
    }
    const widget = node.getWidgetOnPos(x, y, true) as AnyWidget;
    const name = slot?.input?.name ?? widget?.name;
    const spec = name === undefined ? undefined : (info?.input?.required?.[name] ?? info?.input?.optional?.[name]);
    const tooltip = isRecord(spec?.[1]) && typeof spec[1].tooltip === "string" ? spec[1].tooltip : widget?.tooltip;
    if (slot?.input && !widget) return [`${slot.input.label ?? slot.input.name}: ${slot.input.type}`, tooltip].filter(Boolean).join("\n");
    if (!widget || String(widget.name).startsWith("$$")) return "";
    const odd = oddWidget(widget) ? "This value does not fit the input; it is kept as the file had it." : "";
    const value = typeof widget.value === "string" && widget.value.length > 22 && !widget.element ? widget.value.slice(0, 300) : "";
    return [odd, tooltip, value].filter(Boolean).join("\n\n");
  }

  /** A digit over a number field starts its editor. */
  #typed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[\d.-]$/.test(event.key) || this.core.readOnly) return;
    const { node_over: node } = this.core.canvas;
    const widget = node?.mouseOver?.overWidget as AnyWidget;
    if (!node || !widget || widget.computedDisabled || !["number", "slider", "knob"].includes(widget.type)) return;
    event.preventDefault();
    event.stopPropagation();
    editNumber(widget, node, this.core.canvas, event.key);
  }

  #nodeAt(event: MouseEvent): LGraphNode | null {
    const [x, y] = this.core.canvas.convertEventToCanvasOffset(event) as unknown as [number, number];
    return this.core.shownGraph().getNodeOnPos(x, y, this.core.canvas.visible_nodes) ?? null;
  }

  #dragOver(event: DragEvent): void {
    const node = this.#nodeAt(event) as AnyWidget;
    if (node?.cnUpload || node?.onDragOver?.(event)) event.preventDefault();
  }

  async #dropped(event: DragEvent): Promise<void> {
    const node = this.#nodeAt(event) as AnyWidget;
    const file = event.dataTransfer?.files[0];
    if (!node || this.core.readOnly) return;
    if (node.onDragDrop) {
      event.preventDefault();
      event.stopPropagation();
      await node.onDragDrop(event);
    } else if (node.cnUpload && file && !/\.json$/i.test(file.name)) {
      event.preventDefault();
      event.stopPropagation();
      await uploadTo(node, file);
    }
  }

  /** An image on the clipboard goes to the selected node that loads one; true when it did. */
  async pasteFile(file: File): Promise<boolean> {
    const node = Object.values(this.core.canvas.selected_nodes).find((candidate) => (candidate as AnyWidget).cnUpload);
    return node ? uploadTo(node, file) : false;
  }
}

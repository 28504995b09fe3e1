// Results that are elements over the node: texts, animations, and players for video and sound.
import { guardElement } from "./build-widgets";
import { addDomWidget, type DomWidget } from "./dom-widget";
import type { LGraphNode } from "./litegraph";
import { ANIMATED_WIDGET, growTo, PLAYER_WIDGET, removeWidget, TEXT_WIDGET } from "./preview-widgets";
import { activeSurface } from "./surface";
import type { FileRef } from "./types";

const SOUND = /\.(mp3|wav|flac|ogg|opus|m4a|aac)$/i;

export function showAnimation(node: LGraphNode, refs: FileRef[]): void {
  let widget = node.widgets?.find((candidate) => candidate.name === ANIMATED_WIDGET) as unknown as DomWidget | undefined;
  if (!widget) {
    const image = document.createElement("img");
    image.className = "cn-animated";
    image.alt = "animation";
    image.draggable = false;
    widget = addDomWidget(node, ANIMATED_WIDGET, "img", image, { serialize: false, getMinHeight: () => 160, hideOnZoom: false, setValue: () => undefined, getValue: () => "" });
    image.addEventListener("dblclick", () => activeSurface()?.openImages(refs, 0));
    guardElement(image);
    growTo(node);
  }
  const image = widget.element as HTMLImageElement;
  activeSurface()?.services.fileUrl(refs[0] as FileRef).then((url) => { image.src = url; }, () => { image.alt = "animation not available"; });
}

export function showText(node: LGraphNode, texts: string[]): void {
  if (!texts.length) return removeWidget(node, TEXT_WIDGET);
  let widget = node.widgets?.find((candidate) => candidate.name === TEXT_WIDGET) as unknown as DomWidget | undefined;
  if (!widget) {
    const area = document.createElement("textarea");
    area.className = "cn-textarea cn-result";
    area.readOnly = true;
    area.setAttribute("aria-label", `Text result of ${node.title}`);
    widget = addDomWidget(node, TEXT_WIDGET, "customtext", area, {
      serialize: false, getMinHeight: () => 60, getValue: () => area.value, setValue: () => undefined,
      onDraw: () => { area.readOnly = true; },
    });
    guardElement(area);
    growTo(node);
  }
  (widget.element as HTMLTextAreaElement).value = texts.join("\n\n");
}

/** A player for each file; files that stay keep theirs, playing on. */
export function showPlayers(node: LGraphNode, refs: FileRef[]): void {
  fillPlayers(node, refs, player);
}

/** A button for each file that becomes its player: what a person loads may be large, and is fetched when they want it. */
export function offerPlayers(node: LGraphNode, refs: FileRef[]): void {
  fillPlayers(node, refs, playButton);
}

function fillPlayers(node: LGraphNode, refs: FileRef[], make: (ref: FileRef, node: LGraphNode) => HTMLElement): void {
  if (!refs.length) return removeWidget(node, PLAYER_WIDGET);
  const key = JSON.stringify(refs);
  let widget = node.widgets?.find((candidate) => candidate.name === PLAYER_WIDGET) as unknown as DomWidget | undefined;
  if (widget?.element.dataset.files === key) return;
  if (!widget) {
    const holder = document.createElement("div");
    holder.className = "cn-players";
    const height = (): number => Math.max([...holder.children].reduce((sum, child) => sum + (child.tagName === "VIDEO" ? 170 : 46), 0), 46);
    widget = addDomWidget(node, PLAYER_WIDGET, "players", holder, {
      serialize: false, hideOnZoom: false, getMinHeight: height, setValue: () => undefined, getValue: () => "",
    });
    guardElement(holder);
  }
  widget.element.dataset.files = key;
  widget.element.replaceChildren(...refs.map((ref) => make(ref, node)));
  growTo(node);
}

function playButton(ref: FileRef, node: LGraphNode): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `▶ ${ref.filename}`;
  button.setAttribute("aria-label", `Play ${ref.filename}`);
  button.addEventListener("click", () => {
    const element = player(ref, node);
    element.autoplay = true;
    button.replaceWith(element);
    growTo(node);
  });
  return button;
}

function player(ref: FileRef, node: LGraphNode): HTMLMediaElement {
  const sound = SOUND.test(ref.filename);
  const element = document.createElement(sound ? "audio" : "video");
  element.controls = true;
  element.preload = "metadata";
  element.loop = !sound;
  element.title = ref.filename;
  element.setAttribute("aria-label", `${ref.filename}, result of ${node.title}`);
  const failed = (): void => {
    element.title = `${ref.filename} is not available`;
    element.classList.add("cn-odd");
  };
  element.addEventListener("error", failed);
  activeSurface()?.services.fileUrl(ref).then((url) => { element.src = url; }, failed);
  return element;
}

// Places around the canvas that packs look for by class (`.comfyui-body-left`, …) and where tabs stand.

import { h } from "../../editor/dom";

export interface Places {
  top: HTMLElement;
  left: HTMLElement;
  right: HTMLElement;
  bottom: HTMLElement;
  stage: HTMLElement;
}

export function addPlaces(root: HTMLElement, stage: HTMLElement): Places {
  const place = (side: string) => h("div", { class: `comfyui-body-${side}` });
  const places = { top: place("top"), left: place("left"), right: place("right"), bottom: place("bottom") };
  stage.before(places.top, places.left);
  stage.after(places.right, places.bottom);
  root.classList.add("comfyui-body");
  return { ...places, stage };
}

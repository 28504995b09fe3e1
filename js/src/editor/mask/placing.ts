// Where the picture lies on the stage: zoom and pan. Lengths of the stage are CSS pixels.

import type { Spot } from "./raster";

export interface Size {
  width: number;
  height: number;
}

/** A pixel (x, y) of the picture is shown at (left + x · scale, top + y · scale). */
export interface Placing {
  scale: number;
  left: number;
  top: number;
}

const MARGIN = 12;
const MOST = 32;
const MOST_FITTED = 8;
/** How much of the picture stays on the stage, whatever a person does. */
const KEPT = 48;

/** The whole picture in the middle; small pictures are enlarged, but not without end. */
export function fitted(stage: Size, picture: Size): Placing {
  const room = (length: number) => Math.max(16, length - 2 * MARGIN);
  const scale = Math.min(room(stage.width) / picture.width, room(stage.height) / picture.height, MOST_FITTED);
  return { scale, left: (stage.width - picture.width * scale) / 2, top: (stage.height - picture.height * scale) / 2 };
}

/** Zooms about a place of the stage. */
export function zoomed(placing: Placing, factor: number, about: Spot, stage: Size, picture: Size): Placing {
  const least = Math.min(fitted(stage, picture).scale, 1) / 4;
  const scale = Math.min(MOST, Math.max(least, placing.scale * factor));
  const ratio = scale / placing.scale;
  const next = { scale, left: about.x - (about.x - placing.left) * ratio, top: about.y - (about.y - placing.top) * ratio };
  return kept(next, stage, picture);
}

export function moved(placing: Placing, dx: number, dy: number, stage: Size, picture: Size): Placing {
  return kept({ ...placing, left: placing.left + dx, top: placing.top + dy }, stage, picture);
}

/** The stage has another size: what lay in its middle stays there. */
export function resized(placing: Placing, before: Size, stage: Size, picture: Size): Placing {
  return moved(placing, (stage.width - before.width) / 2, (stage.height - before.height) / 2, stage, picture);
}

export function toPicture(placing: Placing, { x, y }: Spot): Spot {
  return { x: (x - placing.left) / placing.scale, y: (y - placing.top) / placing.scale };
}

function kept(placing: Placing, stage: Size, picture: Size): Placing {
  const within = (start: number, length: number, room: number) => Math.min(room - Math.min(KEPT, length), Math.max(start, Math.min(KEPT, length) - length));
  return {
    ...placing,
    left: within(placing.left, picture.width * placing.scale, stage.width),
    top: within(placing.top, picture.height * placing.scale, stage.height),
  };
}

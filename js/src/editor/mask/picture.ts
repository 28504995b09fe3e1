// A picture of the kernel with the mask that is in it, and the mask as a file.

import type { FileRef } from "../../graph";
import type { KernelApi } from "../api";
import type { Media } from "../media";
import { Raster } from "./raster";

export interface Picture {
  image: HTMLImageElement;
  mask: Raster;
  /** Gives the memory of the picture back. */
  release(): void;
}

const BAND = 512;
/** Of larger pictures a JPEG is shown, which the kernel makes and sends faster. */
const EXACT_PIXELS = 4_000_000;
const OPAQUE = /\.(jpe?g|jfif|bmp)$/i;

/** Rejects when the kernel does not have the file, or when it is no picture. */
export async function loadPicture(ref: FileRef, api: Pick<KernelApi, "view">, media: Pick<Media, "url">): Promise<Picture> {
  const own: string[] = [];
  const release = () => own.forEach((url) => URL.revokeObjectURL(url));
  const channel = async (name: "rgb" | "a", pixels = 0): Promise<HTMLImageElement> => {
    const query = new URLSearchParams({ filename: ref.filename, subfolder: ref.subfolder ?? "", type: ref.type ?? "output", channel: name });
    if (pixels > EXACT_PIXELS) query.set("preview", "jpeg;95");
    const url = URL.createObjectURL(await api.view(query));
    own.push(url);
    return imageOf(url);
  };
  try {
    const whole = await imageOf(await media.url(ref)).catch(() => null); // a format that browsers do not show
    const { naturalWidth: width, naturalHeight: height } = whole ?? (await channel("rgb"));
    const mask = new Raster(width, height);
    const transparent = !(whole && OPAQUE.test(ref.filename)) && readAlpha(whole ?? (await channel("a")), mask);
    // what is masked has colours too, which only the kernel shows
    const image = whole && !transparent ? whole : await channel("rgb", width * height);
    return { image, mask, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function imageOf(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** The mask is what the picture lacks of being opaque. False when it is opaque everywhere. */
function readAlpha(image: HTMLImageElement, mask: Raster): boolean {
  const canvas = Object.assign(document.createElement("canvas"), { width: mask.width, height: Math.min(BAND, mask.height) });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return false;
  let transparent = false;
  for (let top = 0; top < mask.height; top += BAND) {
    const height = Math.min(BAND, mask.height - top);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, -top);
    const { data } = context.getImageData(0, 0, mask.width, height);
    for (let from = 3, to = top * mask.width; from < data.length; from += 4, to++) {
      const drawn = 255 - (data[from] as number);
      mask.data[to] = drawn;
      transparent ||= drawn > 0;
    }
  }
  return transparent;
}

/** A PNG that is transparent where the mask is drawn, as `POST /upload/mask` takes it. */
export async function maskFile(mask: Raster): Promise<Blob> {
  const canvas = Object.assign(document.createElement("canvas"), { width: mask.width, height: mask.height });
  const context = canvas.getContext("2d");
  for (let top = 0; context && top < mask.height; top += BAND) {
    const image = context.createImageData(mask.width, Math.min(BAND, mask.height - top));
    for (let to = 3, from = top * mask.width; to < image.data.length; to += 4, from++) image.data[to] = 255 - (mask.data[from] as number);
    context.putImageData(image, 0, top);
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  canvas.width = canvas.height = 0;
  if (!blob) throw new Error(`The browser could not make a PNG of ${mask.width} × ${mask.height} pixels.`);
  return blob;
}

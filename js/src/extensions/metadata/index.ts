// `scripts/pnginfo.js` and `scripts/metadata/*.js`: what files carry. PNG and FLAC are read here; the other kinds by the
// kernel, which reads every kind that it opens as a workflow.

import { getFromFlacBuffer, getFromPngBuffer, type Texts } from "./buffers";
import { importA1111 } from "./parameters";

/** What a file that can't be read carries: nothing. */
const NOTHING: Texts = {};

async function readByKernel(file: Blob): Promise<Texts> {
  try {
    const response = await fetch("/cn/metadata", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
    return response.ok ? ((await response.json()) as { texts: Texts }).texts : NOTHING;
  } catch (error) {
    console.warn("The file's metadata was not read:", error);
    return NOTHING;
  }
}

const getPngMetadata = async (file: Blob): Promise<Texts | undefined> => getFromPngBuffer(await file.arrayBuffer());
const getFlacMetadata = async (file: Blob): Promise<Texts | undefined> => getFromFlacBuffer(await file.arrayBuffer());

/** Of safetensors files the head alone is read: they are large. */
async function getLatentMetadata(file: Blob): Promise<Texts | undefined> {
  const size = new DataView(await file.slice(0, 8).arrayBuffer()).getUint32(0, true);
  try {
    return (JSON.parse(await file.slice(8, 8 + size).text()) as { __metadata__?: Texts }).__metadata__;
  } catch {
    return undefined;
  }
}

const parsed = async (file: Blob): Promise<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(await readByKernel(file)).map(([key, text]) => {
    try {
      return [key, JSON.parse(text)];
    } catch {
      return [key, text];
    }
  }));

export const metadataExports = {
  pnginfo: { getPngMetadata, getFlacMetadata, getWebpMetadata: readByKernel, getAvifMetadata: readByKernel, getLatentMetadata, importA1111 },
  png: { getFromPngBuffer, getFromPngFile: getPngMetadata },
  flac: { getFromFlacBuffer, getFromFlacFile: getFlacMetadata },
  webp: { getWebpMetadata: readByKernel },
  avif: { getFromAvifFile: readByKernel },
  svg: { getSvgMetadata: parsed },
  gltf: { getGltfBinaryMetadata: parsed },
  ebml: { getFromWebmFile: parsed },
  isobmff: { getFromIsobmffFile: parsed },
  mp3: { getMp3Metadata: parsed },
  ogg: { getOggMetadata: parsed },
};

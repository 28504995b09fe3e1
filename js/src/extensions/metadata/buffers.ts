// Texts that PNG and FLAC files carry, read where they are: packs call these with bytes and want the answer at once.

export type Texts = Record<string, string>;

const PNG = [0x89, 0x50, 0x4e, 0x47];
const TEXT_CHUNKS = new Set(["tEXt", "comf", "iTXt"]);

/** Text chunks by key; compressed ones are left out. Undefined for what is no PNG. */
export function getFromPngBuffer(buffer: ArrayBuffer): Texts | undefined {
  const bytes = new Uint8Array(buffer);
  if (PNG.some((value, index) => bytes[index] !== value)) return console.error("Not a valid PNG file") as undefined;
  const view = new DataView(buffer);
  const texts: Texts = {};
  for (let at = 8; at + 12 <= bytes.length; ) {
    const size = view.getUint32(at);
    const kind = latin(bytes.subarray(at + 4, at + 8));
    if (TEXT_CHUNKS.has(kind)) Object.assign(texts, { ...chunkText(kind, bytes.subarray(at + 8, at + 8 + size)), ...texts });
    at += 12 + size;
  }
  return texts;
}

function chunkText(kind: string, body: Uint8Array): Texts {
  const end = body.indexOf(0);
  if (end < 0) return {};
  const key = latin(body.subarray(0, end));
  if (kind !== "iTXt") return { [key]: utf8(body.subarray(end + 1)) };
  if (body[end + 1]) return {}; // compressed
  const language = body.indexOf(0, end + 3);
  const translated = body.indexOf(0, language + 1);
  return language < 0 || translated < 0 ? {} : { [key]: utf8(body.subarray(translated + 1)) };
}

/** The Vorbis comments, keys as they are written. Undefined for what is no FLAC. */
export function getFromFlacBuffer(buffer: ArrayBuffer): Texts | undefined {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || latin(new Uint8Array(buffer, 0, 4)) !== "fLaC") return console.error("Not a valid FLAC file") as undefined;
  for (let at = 4; at + 4 <= buffer.byteLength; ) {
    const head = view.getUint8(at);
    const size = view.getUint32(at) & 0xffffff;
    if ((head & 0x7f) === 4) return vorbisComments(new DataView(buffer, at + 4, Math.min(size, buffer.byteLength - at - 4)));
    if (head & 0x80) break; // the last one
    at += 4 + size;
  }
  return {};
}

function vorbisComments(view: DataView): Texts {
  let at = 0;
  const text = (): string => {
    const size = view.getUint32(at, true);
    const found = utf8(new Uint8Array(view.buffer, view.byteOffset + at + 4, size));
    at += 4 + size;
    return found;
  };
  text(); // who wrote it
  const count = view.getUint32(at, true);
  at += 4;
  const texts: Texts = {};
  for (let index = 0; index < count && at + 4 <= view.byteLength; index++) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(text()) ?? [];
    if (key) texts[key] = value ?? "";
  }
  return texts;
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

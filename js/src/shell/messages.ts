// The comm protocol of docs/architecture.md 1.1, as seen from a view.

export const PROTOCOL = 1;
export const CHUNK = 2 ** 20;

export interface Welcome {
  kind: "welcome";
  view: string;
  editor: string;
  bundle: string;
  protocol: number;
}

export interface Head {
  kind: "head";
  rid: string;
  status: number;
  headers: Record<string, string>;
  size: number | null;
  /** The whole body came with this message. */
  last: boolean;
}

export type FromKernel =
  | Welcome
  | Head
  | { kind: "data"; rid: string; seq: number; last: boolean }
  | { kind: "ack"; rid: string; seq: number }
  | { kind: "fail"; rid: string; message: string }
  | { kind: "events"; events: { type: string; data: unknown; buffers: number }[] }
  | { kind: "pulse" }
  | { kind: "closed" };

export type Bytes = Uint8Array<ArrayBuffer>;

/** A binary part as its bytes alone: hosts hand over DataViews into larger buffers, or ArrayBuffers. */
export function bytesOf(part: DataView | ArrayBuffer | ArrayBufferView): Bytes {
  if (!ArrayBuffer.isView(part)) return new Uint8Array(part);
  return new Uint8Array(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength);
}

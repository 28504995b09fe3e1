// One request of the editor: the body goes up in acknowledged chunks, the answer becomes a Response.

import type { HostRequest } from "../host";
import { type Bytes, CHUNK, type Head } from "./messages";

/** Chunks under way at once: enough to hide a slow link's delay, far below the limits of any proxy. */
const WINDOW = 4;
const BODILESS = [101, 204, 205, 304];

export type Send = (content: object, part?: Bytes) => void;

export class Exchange {
  readonly response: Promise<Response>;
  readonly started = Date.now();
  /** The kernel has shown that it knows of this request. */
  heard = false;
  onEnd = () => {};
  private resolve!: (response: Response) => void;
  private reject!: (reason: unknown) => void;
  private stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  private body: Bytes = new Uint8Array();
  private next = 0;
  private acked = 0;
  private received = 0;
  private ended = false;
  private readonly abort = () => this.cancel(this.options.signal?.reason ?? new DOMException("Aborted", "AbortError"));

  constructor(
    readonly rid: string,
    private readonly path: string,
    private readonly options: HostRequest,
    private readonly send: Send,
  ) {
    this.response = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get timeout(): number {
    return this.options.timeout ?? 30_000;
  }

  async start(): Promise<void> {
    const { signal, body, method = body == null ? "GET" : "POST" } = this.options;
    if (signal?.aborted) return this.abort();
    signal?.addEventListener("abort", this.abort);
    try {
      const headers: Record<string, string> = { ...this.options.headers };
      const typed = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
      if (typeof body === "string" && typed) this.body = new TextEncoder().encode(body); // at once: nothing is drawn in between
      else if (body != null) {
        const encoded = new Response(body as BodyInit); // encodes text, forms and blobs as fetch would
        const type = encoded.headers.get("content-type");
        if (type && !typed) headers["content-type"] = type;
        this.body = new Uint8Array(await encoded.arrayBuffer());
      }
      if (this.ended) return;
      this.next = 1;
      const size = this.body.length;
      this.send({ kind: "http", rid: this.rid, method, path: this.path, headers, size }, size ? this.chunk(0) : undefined);
      this.pump();
    } catch (error) {
      this.cancel(error);
    }
  }

  ack(seq: number): void {
    this.heard = true;
    if (!this.body.length) return;
    this.acked = seq + 1;
    this.options.onProgress?.(Math.min(this.acked * CHUNK, this.body.length), this.body.length);
    this.pump();
  }

  head({ status, headers, last }: Head, part?: Bytes): void {
    this.heard = true;
    const init = { status, headers };
    if (last) {
      this.resolve(new Response(BODILESS.includes(status) ? null : (part ?? new Uint8Array()), init));
      return this.end();
    }
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.stream = controller),
      cancel: () => this.cancel(null),
    });
    this.resolve(new Response(BODILESS.includes(status) ? null : stream, init));
  }

  data(seq: number, last: boolean, part?: Bytes): void {
    if (seq !== this.received++) return this.cancel(new TypeError(`Part of the answer to ${this.path} was lost.`));
    if (part) this.stream?.enqueue(part);
    if (!last) return;
    this.stream?.close();
    this.end();
  }

  fail(reason: unknown): void {
    if (this.ended) return;
    this.reject(reason);
    try {
      this.stream?.error(reason);
    } catch {
      // the reader has closed it
    }
    this.end();
  }

  cancel(reason: unknown): void {
    if (this.ended) return;
    this.send({ kind: "cancel", rid: this.rid });
    this.fail(reason);
  }

  private pump(): void {
    const total = Math.ceil(this.body.length / CHUNK);
    while (!this.ended && this.next < total && this.next < this.acked + WINDOW) {
      this.send({ kind: "body", rid: this.rid, seq: this.next }, this.chunk(this.next++));
    }
  }

  private chunk(seq: number): Bytes {
    return this.body.slice(seq * CHUNK, (seq + 1) * CHUNK);
  }

  private end(): void {
    this.ended = true;
    this.body = new Uint8Array();
    this.options.signal?.removeEventListener("abort", this.abort);
    this.onEnd();
  }
}

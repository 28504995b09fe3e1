// `WebSocket` for the kernel's addresses: one streamed answer brings its messages, one request each takes ours there.

import type { Host } from "../../host";
import type { Addresses } from "./addresses";

const [OPENED, TEXT, BINARY, CLOSED] = [0, 1, 2, 3];
const HEAD = 5;
const encoder = new TextEncoder();

export function bridgedWebSocket(host: Host, addresses: Addresses, Native: typeof WebSocket): typeof WebSocket {
  const Bridged = class WebSocket extends KernelSocket {
    constructor(url: string | URL, protocols: string | string[] = []) {
      const path = addresses.kernelPath(url);
      if (path === null) return new Native(url, protocols) as unknown as WebSocket;
      super(host, path, addresses.absolute(String(url)).replace(/^http/, "ws"), [protocols].flat());
    }
  };
  Object.defineProperty(Bridged, Symbol.hasInstance, { value: (one: unknown) => one instanceof KernelSocket || one instanceof Native });
  return Bridged as unknown as typeof WebSocket;
}

class KernelSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readyState = 0;
  protocol = "";
  readonly extensions = "";
  readonly bufferedAmount = 0;
  binaryType: BinaryType = "blob";
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  private readonly route = `/cn/sockets/${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
  private readonly control = new AbortController();
  /** The code we closed it with. */
  private leaving: number | null = null;
  /** Messages leave one after the other. */
  private sending: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly host: Host,
    path: string,
    readonly url: string,
    protocols: string[],
  ) {
    super();
    for (const type of ["open", "message", "error", "close"] as const) {
      this.addEventListener(type, (event) => (this[`on${type}`] as ((event: Event) => void) | null)?.call(this, event));
    }
    const query = new URLSearchParams({ path, ...(protocols.length && { protocols: protocols.join(",") }) });
    this.receive(`${this.route}?${query}`).catch(() => this.end(1006, "", true));
  }

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.readyState === this.CONNECTING) throw new DOMException("Still in CONNECTING state.", "InvalidStateError");
    if (this.readyState === this.OPEN) this.post(typeof data === "string" ? "text" : "binary", data as BodyInit);
  }

  close(code = 1000, reason = ""): void {
    if (this.readyState >= this.CLOSING) return;
    const wasOpen = this.readyState === this.OPEN;
    this.readyState = this.CLOSING;
    this.leaving = code;
    if (wasOpen) this.post(`close&code=${code}`, reason);
    else {
      this.control.abort();
      this.end(1006, "", true);
    }
  }

  private post(kind: string, data: BodyInit): void {
    this.sending = this.sending.then(async () => {
      const body = typeof data === "string" ? encoder.encode(data) : new Uint8Array(await new Response(data).arrayBuffer());
      await this.host.request(`${this.route}?kind=${kind}`, { method: "POST", timeout: 0, ...(body.length && { body }) });
    }).catch(() => undefined); // the stream's end tells
  }

  private async receive(address: string): Promise<void> {
    const response = await this.host.request(address, { timeout: 0, signal: this.control.signal });
    if (!response.ok || !response.body) throw new Error(await response.text());
    const reader = response.body.getReader();
    let waiting = new Uint8Array();
    for (let part; !(part = await reader.read()).done; ) {
      const joined = new Uint8Array(waiting.length + part.value.length);
      joined.set(waiting);
      joined.set(part.value, waiting.length);
      waiting = joined.slice(this.take(joined));
    }
    this.end(1006, "", false);
  }

  /** Handles the whole frames in `bytes`; returns how many bytes these are. */
  private take(bytes: Uint8Array<ArrayBuffer>): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at + HEAD <= bytes.length) {
      const end = at + HEAD + view.getUint32(at + 1);
      if (end > bytes.length) break;
      this.handle(view.getUint8(at), bytes.slice(at + HEAD, end));
      at = end;
    }
    return at;
  }

  private handle(kind: number, payload: Uint8Array<ArrayBuffer>): void {
    const text = () => new TextDecoder().decode(payload);
    if (kind === OPENED) {
      this.protocol = text();
      this.readyState = this.OPEN;
      this.dispatchEvent(new Event("open"));
    } else if (kind === CLOSED) {
      const { code, reason } = JSON.parse(text()) as { code: number; reason: string };
      this.end(code === 1006 ? (this.leaving ?? code) : code, reason, false);
    } else if (this.readyState === this.OPEN && (kind === TEXT || kind === BINARY)) {
      const data = kind === TEXT ? text() : this.binaryType === "blob" ? new Blob([payload]) : payload.buffer;
      this.dispatchEvent(new MessageEvent("message", { data, origin: this.url }));
    }
  }

  private end(code: number, reason: string, failed: boolean): void {
    if (this.readyState === this.CLOSED) return;
    this.readyState = this.CLOSED;
    if (failed) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
  }
}

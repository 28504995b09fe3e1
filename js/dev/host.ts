// A Host for development: the editor in a plain page over fetch and a WebSocket to a server that listens on a port.

import type { Host, HostEvent, HostTheme, KernelState } from "../src/host";

class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>();
  readonly on = (listener: (value: T) => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  emit(value: T): void {
    for (const listener of this.listeners) listener(value);
  }
}

export class DevHost implements Host {
  readonly viewId = Math.random().toString(36).slice(2);
  kernel: KernelState = "connected";
  theme: HostTheme;
  private readonly events = new Signal<HostEvent>();
  private readonly kernels = new Signal<KernelState>();
  private readonly themes = new Signal<HostTheme>();
  private readonly sizes = new Signal<boolean>();
  readonly onEvent = this.events.on;
  readonly onKernel = this.kernels.on;
  readonly onTheme = this.themes.on;
  readonly onFullSize = this.sizes.on;
  private socket: WebSocket | undefined;
  private closed = false;

  constructor(
    readonly editorId: string,
    dark: boolean,
    private readonly box: HTMLElement,
  ) {
    this.theme = { dark, variables: {} };
    this.connect();
  }

  async request(path: string, options: Parameters<Host["request"]>[1] = {}): Promise<Response> {
    const { method, headers, body, signal, timeout = 30_000, onProgress } = options;
    const signals = [signal, timeout > 0 ? AbortSignal.timeout(timeout) : undefined].filter((one) => one !== undefined);
    onProgress?.(0, 1);
    const reply = await fetch(path, { method, headers, body: body as BodyInit, signal: AbortSignal.any(signals) });
    onProgress?.(1, 1);
    return reply;
  }

  setKernel(state: KernelState): void {
    this.kernel = state;
    this.kernels.emit(state);
  }

  setDark(dark: boolean): void {
    this.theme = { ...this.theme, dark };
    this.themes.emit(this.theme);
  }

  setFullSize(on: boolean): void {
    this.box.classList.toggle("full", on);
    this.sizes.emit(on);
  }

  setHeight(pixels: number): void {
    this.box.style.height = `${pixels}px`;
  }

  /** An event as the kernel would send it. */
  send(type: string, data: unknown, buffers: ArrayBuffer[] = []): void {
    this.events.emit({ type, data, buffers });
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws?clientId=${encodeURIComponent(this.editorId)}`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
      this.setKernel("connected");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.text(data) : this.binary(data as ArrayBuffer));
    socket.onclose = () => {
      if (this.closed) return;
      this.setKernel("lost");
      setTimeout(() => this.connect(), 1000);
    };
  }

  private text(message: string): void {
    const { type, data } = JSON.parse(message) as { type: string; data: unknown };
    this.send(type, data);
  }

  private binary(frame: ArrayBuffer): void {
    const bytes = new DataView(frame);
    if (bytes.getUint32(0) !== 4) return;
    const length = bytes.getUint32(4);
    const metadata = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 8, length)));
    this.send("b_preview_with_metadata", metadata, [frame.slice(8 + length)]);
  }
}

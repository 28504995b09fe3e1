// What the editor needs from whoever shows it. The shell implements it over the widget comm; a plain page can implement
// it with fetch and a WebSocket. The editor knows nothing else of the outside world.

export interface HostRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | ArrayBuffer | Uint8Array | Blob | FormData;
  signal?: AbortSignal;
  /** Milliseconds without any sign of life before the request fails; 0 waits for ever (a busy kernel answers late). */
  timeout?: number;
  /** Called with sent and total body bytes while a large body goes up. */
  onProgress?: (sent: number, total: number) => void;
}

export interface HostEvent {
  type: string;
  data: unknown;
  buffers: ArrayBuffer[];
}

/** What the views of a page share for the page's life. Only text: an object would keep its view's realm alive. */
export interface PageStore {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  /** A blob URL that lives as long as the page. */
  url(text: string, type: string): string;
}

/** `lost`: the kernel restarted or died; the graph stays visible and the person is told to run the cell again. */
export type KernelState = "connected" | "busy" | "lost";

export interface HostTheme {
  dark: boolean;
  /**
   * Colours and fonts of the notebook under the same names in every host, ready to set on a root element:
   * `--host-bg`, `--host-fg`, `--host-muted`, `--host-border`, `--host-accent`, `--host-input-bg`, `--host-error`,
   * `--host-font`, `--host-mono`, `--host-font-size`. A name is absent where the notebook does not say.
   */
  variables: Record<string, string>;
}

export interface Host {
  /** Names the editor in routes (`/cn/editors/<id>/…`) and is its client id for events. */
  readonly editorId: string;
  /** Unique for each view of the editor; marks this view's own patches when they come back. */
  readonly viewId: string;
  request(path: string, options?: HostRequest): Promise<Response>;
  onEvent(listener: (event: HostEvent) => void): () => void;
  readonly kernel: KernelState;
  onKernel(listener: (state: KernelState) => void): () => void;
  readonly theme: HostTheme;
  onTheme(listener: (theme: HostTheme) => void): () => void;
  /** Fill the browser window (true) or go back into the cell (false). */
  setFullSize(on: boolean): void;
  onFullSize(listener: (on: boolean) => void): () => void;
  /** Ask for a height of the cell output in CSS pixels. */
  setHeight(pixels: number): void;
  /** Absent where nothing outlives the view. */
  readonly page?: PageStore;
}

/** The editor bundle's only export: builds the editor in `root`; the returned function takes it down completely. */
export type MountEditor = (root: HTMLElement, host: Host) => Promise<() => void>;

// The part of anywidget's front-end module contract that the shell uses.

export interface AnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback?: ((...args: never[]) => void) | null): void;
}

export interface RenderProps {
  model: AnyModel;
  el: HTMLElement;
  signal?: AbortSignal;
}

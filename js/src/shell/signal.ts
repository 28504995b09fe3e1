// A list of listeners; one that throws does not keep the others from hearing.

/** As text: the console keeps what it shows alive, and an error keeps the whole frame it came from. */
export function report(error: unknown): void {
  console.error(`comfy_notebook: ${(error as Error)?.stack ?? error}`);
}

export class Signal<T> {
  private listeners: ((value: T) => void)[] = [];

  on(listener: (value: T) => void): () => void {
    this.listeners.push(listener);
    return () => void (this.listeners = this.listeners.filter((one) => one !== listener));
  }

  emit(value: T): void {
    for (const listener of this.listeners) {
      try {
        listener(value);
      } catch (error) {
        report(error);
      }
    }
  }

  clear(): void {
    this.listeners = [];
  }
}

// A list of listeners; one that throws does not keep the others from hearing.

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
        console.error(error);
      }
    }
  }

  clear(): void {
    this.listeners = [];
  }
}

// What a view tells its listeners; edits are told once per frame, once per drag, and never while loading.
import { loading } from "./loading";
import type { ChangeKind, GraphEvents, Severity } from "./types";

type Listener = (event: never) => void;

export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>();
  #suspended = 0;
  #pending: ChangeKind | null = null;

  /** `dragging`: whether edits still belong to a gesture that has not ended. */
  constructor(readonly notify: (severity: Severity, text: string) => void, readonly dragging: () => boolean) {}

  on<K extends keyof GraphEvents>(name: K, listener: (event: GraphEvents[K]) => void): () => void {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    set.add(listener as Listener);
    return () => set.delete(listener as Listener);
  }

  emit<K extends keyof GraphEvents>(name: K, event: GraphEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (event: GraphEvents[K]) => void)(event);
      } catch (error) {
        this.notify("error", String(error));
      }
    }
  }

  /** Runs `work` without change events: loading is no edit. */
  quietly<T>(work: () => T): T {
    this.#suspended += 1;
    loading.on = true;
    try {
      return work();
    } finally {
      this.#suspended -= 1;
      loading.on = this.#suspended > 0;
    }
  }

  changed(kind: ChangeKind): void {
    if (this.#suspended) return;
    const first = this.#pending === null;
    if (first || this.#pending === "other") this.#pending = kind;
    if (first) this.flushSoon();
  }

  flushSoon(): void {
    requestAnimationFrame(() => this.flush());
  }

  /** Tells now what was to be told with the next frame. */
  flush(): void {
    if (this.#pending === null || this.dragging()) return;
    const kind = this.#pending;
    this.#pending = null;
    this.emit("change", { kind });
  }

  clear(): void {
    this.#listeners.clear();
  }
}

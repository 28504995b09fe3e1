// Storage that never throws. Third-party frames are refused it, and merely touching it throws; it can be full; and what
// libraries and packs keep there must neither meet the notebook's own keys nor clear them.

const PREFIX = "comfy-notebook/";
const NAMES = ["localStorage", "sessionStorage"] as const;

/** In a frame of our own: the page's storage behind a prefix, with a memory for what it does not take. */
export function ownStorage(win: Window): void {
  for (const name of NAMES) Object.defineProperty(win, name, { value: stand(real(win, name)), configurable: true });
}

/** In the page itself: a memory where storage is denied, else what is there. */
export function ensureStorage(win: Window): void {
  for (const name of NAMES) {
    if (!real(win, name)) Object.defineProperty(win, name, { value: stand(null), configurable: true });
  }
}

function real(win: Window, name: (typeof NAMES)[number]): Storage | null {
  try {
    win[name].getItem("");
    return win[name];
  } catch {
    return null;
  }
}

function stand(store: Storage | null): Storage {
  const memory = new Map<string, string>();
  const keys = (): string[] => {
    const stored = attempt(() => Object.keys(store ?? {}).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)), []);
    return [...new Set([...stored, ...memory.keys()])];
  };
  const methods = {
    getItem: (key: unknown) => memory.get(String(key)) ?? attempt(() => store?.getItem(PREFIX + key) ?? null, null),
    setItem(key: unknown, value: unknown) {
      memory.set(String(key), String(value));
      attempt(() => {
        store?.setItem(PREFIX + key, String(value));
        if (store) memory.delete(String(key));
      }, undefined);
    },
    removeItem(key: unknown) {
      memory.delete(String(key));
      attempt(() => store?.removeItem(PREFIX + key), undefined);
    },
    clear() {
      for (const key of keys()) methods.removeItem(key);
    },
    key: (index: number) => keys()[index] ?? null,
    get length() {
      return keys().length;
    },
  };
  return new Proxy(methods as unknown as Storage, {
    get: (_, key) => (typeof key === "symbol" || key in methods ? Reflect.get(methods, key) : (methods.getItem(key) ?? undefined)),
    set: (_, key, value) => (methods.setItem(String(key), value), true),
    has: (_, key) => key in methods || methods.getItem(String(key)) !== null,
    deleteProperty: (_, key) => (methods.removeItem(String(key)), true),
    ownKeys: keys,
    getOwnPropertyDescriptor: (_, key) => {
      const value = typeof key === "symbol" ? null : methods.getItem(key);
      return value === null ? undefined : { value, writable: true, enumerable: true, configurable: true };
    },
  });
}

function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

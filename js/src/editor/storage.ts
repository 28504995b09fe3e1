// localStorage where the browser allows it; cross-site and sandboxed frames get a memory that lasts as long as the page.

export type SafeStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export function safeStorage(): SafeStorage {
  const memory = new Map<string, string>();
  const fallback: SafeStorage = {
    getItem: (key) => memory.get(key) ?? null,
    setItem: (key, value) => void memory.set(key, value),
    removeItem: (key) => void memory.delete(key),
  };
  let real: Storage;
  try {
    real = window.localStorage;
    real.getItem("cn.probe");
  } catch {
    return fallback;
  }
  return {
    getItem: (key) => fallback.getItem(key) ?? real.getItem(key),
    setItem: (key, value) => {
      try {
        real.setItem(key, value);
        fallback.removeItem(key);
      } catch {
        fallback.setItem(key, value); // full
      }
    },
    removeItem: (key) => {
      fallback.removeItem(key);
      real.removeItem(key);
    },
  };
}

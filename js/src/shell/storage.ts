// Third-party frames are refused localStorage, and merely touching it throws; libraries touch it.

const methods = {
  getItem(this: Record<string, string>, key: string) {
    return Object.hasOwn(this, key) ? this[key] : null;
  },
  setItem(this: Record<string, string>, key: string, value: unknown) {
    this[key] = String(value);
  },
  removeItem(this: Record<string, string>, key: string) {
    delete this[key];
  },
  clear(this: Record<string, string>) {
    for (const key of Object.keys(this)) delete this[key];
  },
  key(this: Record<string, string>, index: number) {
    return Object.keys(this)[index] ?? null;
  },
  get length() {
    return Object.keys(this).length;
  },
};

export function ensureStorage(win: Window): void {
  for (const name of ["localStorage", "sessionStorage"] as const) {
    try {
      win[name].getItem("");
    } catch {
      Object.defineProperty(win, name, { value: Object.create(methods), configurable: true });
    }
  }
}

// The kernel's files as blob URLs, for elements that load by themselves. A file asked for again is asked for with its
// ETag, so what changed comes anew and what did not comes without its bytes.

interface Known {
  url: Promise<string>;
  /** For conditional requests. */
  headers: Record<string, string>;
  size: number;
  /** When it was last known to be current. */
  checked: number;
}

/** Answers this young are not asked for again: packs set the same address on many elements at once. */
const FRESH_MS = 1000;
const SVG = /\.svg(?=$|[?&#])/i;
const MAX_FILES = 300;
const MAX_BYTES = 300e6;

export class Files {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly ask: (path: string, headers: Record<string, string>) => Promise<Response>,
    /** Blob URLs that elements still play from. */
    private readonly inUse: () => Set<string> = () => new Set(),
    private readonly revoke: (url: string) => void = (url) => URL.revokeObjectURL(url),
  ) {}

  /** As `url`, for an `<img>`: there scripts of a drawing do not run, so an SVG may be one, whatever the kernel calls it. */
  picture(path: string): Promise<string> {
    return SVG.test(path) ? this.url(path, "image/svg+xml") : this.url(path);
  }

  /** Rejects when the kernel does not have it. `type` stands in for what the kernel says. */
  url(path: string, type = ""): Promise<string> {
    const key = `${type} ${path}`;
    const known = this.known.get(key);
    if (known && Date.now() - known.checked < FRESH_MS) return known.url;
    const next: Known = { url: Promise.resolve(""), headers: known?.headers ?? {}, size: known?.size ?? 0, checked: Infinity };
    next.url = this.load(path, type, next, known?.url);
    this.known.delete(key);
    this.known.set(key, next);
    next.url.then(
      () => this.shrink(),
      () => this.known.get(key) === next && this.known.delete(key),
    );
    return next.url;
  }

  private async load(path: string, type: string, entry: Known, before?: Promise<string>): Promise<string> {
    const response = await this.ask(path, entry.headers);
    entry.checked = Date.now();
    if (response.status === 304 && before) return before;
    if (!response.ok) throw new Error(`${path}: the kernel answered ${response.status}`);
    const blob = await response.blob();
    entry.size = blob.size;
    entry.headers = conditions(response.headers);
    before?.then((url) => this.inUse().has(url) || this.revoke(url)).catch(() => undefined);
    return URL.createObjectURL(type ? blob.slice(0, blob.size, type) : blob);
  }

  private shrink(): void {
    let bytes = [...this.known.values()].reduce((sum, { size }) => sum + size, 0);
    let used: Set<string> | null = null;
    for (const [key, entry] of this.known) {
      if (this.known.size <= MAX_FILES && bytes <= MAX_BYTES) return;
      if (entry.checked === Infinity) continue; // on its way
      used ??= this.inUse();
      bytes -= entry.size;
      this.known.delete(key);
      const keep = used;
      entry.url.then((url) => keep.has(url) || this.revoke(url)).catch(() => undefined);
    }
  }
}

function conditions(headers: Headers): Record<string, string> {
  const etag = headers.get("etag");
  const modified = headers.get("last-modified");
  return etag ? { "if-none-match": etag } : modified ? { "if-modified-since": modified } : {};
}

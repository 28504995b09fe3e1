// Fuzzy matching for the node search: which text matches how well, and which of its characters to highlight.

export interface Match {
  /** Higher is better; only comparable within one query. */
  score: number;
  /** Indices of the matched characters of the text. */
  at: number[];
}

const EXACT = 1000;
const PREFIX = 800;
const WORD = 600;
const INITIALS = 500;
const INSIDE = 400;
const SCATTERED = 100;

/** Where words start: after a separator, at a capital after a small letter, at a digit after a letter. */
function wordStarts(text: string): boolean[] {
  return text.split("").map((char, index) => {
    const before = text[index - 1];
    if (before === undefined) return true;
    if (/[\s_\-/().:,|]/.test(before)) return true;
    return (/[A-Z]/.test(char) && /[a-z0-9]/.test(before)) || (/[0-9]/.test(char) && /[A-Za-z]/.test(before));
  });
}

function run(start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => start + index);
}

/** A text prepared once for many queries. */
export class Searchable {
  private readonly lower: string;
  private readonly starts: boolean[];

  constructor(readonly text: string) {
    // One character each, so that indices of the folded text are indices of the text.
    this.lower = isAscii(text) ? text.toLowerCase() : text.split("").map(fold).join("");
    this.starts = wordStarts(text);
  }

  /** null when the characters of `query` (folded) do not occur in this order. */
  match(query: string): Match | null {
    if (query === "") return { score: 0, at: [] };
    if (!this.holds(query)) return null;
    const short = Math.min(this.text.length, 60) / 10;
    if (this.lower === query) return { score: EXACT, at: run(0, query.length) };
    if (this.lower.startsWith(query)) return { score: PREFIX - short, at: run(0, query.length) };
    let inside = -1;
    for (let from = this.lower.indexOf(query); from >= 0; from = this.lower.indexOf(query, from + 1)) {
      if (this.starts[from]) return { score: WORD - short - from / 10, at: run(from, query.length) };
      if (inside < 0) inside = from;
    }
    return this.initials(query, short) ?? (inside >= 0 ? { score: INSIDE - short - inside / 10, at: run(inside, query.length) } : this.scattered(query, short));
  }

  /** Whether the characters come in this order at all: what most texts fail at once. */
  private holds(query: string): boolean {
    let from = 0;
    for (const char of query) {
      from = this.lower.indexOf(char, from) + 1;
      if (from === 0) return false;
    }
    return true;
  }

  /** "ksa" → KSamplerAdvanced, "lc" → Load Checkpoint: every piece begins a word. */
  private initials(query: string, short: number): Match | null {
    if (query.length < 2) return null;
    const at: number[] = [];
    const take = (from: number, left: number): boolean => {
      if (left === query.length) return true;
      for (let index = from; index < this.lower.length; index++) {
        if (this.lower[index] !== query[left] || !(this.starts[index] || at.at(-1) === index - 1)) continue;
        at.push(index);
        if (take(index + 1, left + 1)) return true;
        at.pop();
      }
      return false;
    };
    return take(0, 0) ? { score: INITIALS - short - (at[0] ?? 0) / 10, at } : null;
  }

  private scattered(query: string, short: number): Match | null {
    const at: number[] = [];
    let from = 0;
    for (const char of query) {
      const index = this.lower.indexOf(char, from);
      if (index < 0) return null;
      at.push(index);
      from = index + 1;
    }
    const spread = (at.at(-1) ?? 0) - (at[0] ?? 0) + 1 - query.length;
    // Letters strewn over a long text are a coincidence, not a match.
    if (spread > query.length * 4) return null;
    return { score: SCATTERED - short - spread * 2, at };
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false;
  return true;
}

/** Lower case without accents, for one character or a query. */
export function fold(text: string): string {
  const plain = text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.length === text.length ? plain : text.toLowerCase().length === text.length ? text.toLowerCase() : text;
}

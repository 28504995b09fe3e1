// Keeps the document in step with the kernel's. Edits go up as patches, debounced and one at a time; changes of others
// come down as patches in revision order. The kernel's revision number is the authority: local edits that it has not seen
// are laid over what comes down, and a patch that failed is sent again (setting a node twice does no harm).

import { apply, diff, entryId, isEmpty, leadsOf, onlyExtra, PatchError, stableText, withLeadsOf, type Document, type Patch } from "./patch";

export type SyncState = "saved" | "pending" | "sending" | "waiting" | "offline";

/** Raised by `send` when the kernel refuses the patch because it does not apply to its document. */
export class PatchConflict extends Error {}

export interface SyncPorts {
  serialize(): Document;
  /** Show a document that is not an edit of this view's person; `replaced`: it is another one, not a newer state. */
  show(document: Document, replaced: boolean): void;
  send(base: number, patch: Patch): Promise<{ rev: number }>;
  fetch(): Promise<{ rev: number; document: Document }>;
  onState(state: SyncState): void;
}

const DEBOUNCE_MS = 150;
const SLOW_MS = 1500;
const GAP_MS = 1500;
const RETRY_MS = [500, 1000, 2000, 5000, 10000];

export class DocumentSync {
  private inflight: Patch | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private slow: ReturnType<typeof setTimeout> | undefined;
  private gap: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private dirty = false;
  private sending = false;
  private stopped = false;
  private online = true;
  /** Patches that arrived before the ones they follow, by revision. */
  private readonly arrived = new Map<number, Patch>();
  private waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];
  state: SyncState = "saved";

  /** `seen`: the view's document as of the last patch taken from it. */
  constructor(
    private readonly ports: SyncPorts,
    private rev: number,
    private seen: Document,
  ) {}

  get revision(): number {
    return this.rev;
  }

  changed(): void {
    this.dirty = true;
    if (this.state === "saved") this.setState("pending");
    this.schedule(DEBOUNCE_MS);
  }

  /** What packs say of `document` may be news to the kernel: that is sent, but is no edit. */
  derived(document: Document): void {
    if (stableText(leadsOf(document)) === stableText(leadsOf(this.seen))) return;
    this.dirty = true;
    this.schedule(DEBOUNCE_MS);
  }

  /** Resolves once everything edited so far is with the kernel. */
  flush(): Promise<void> {
    this.dirty = true;
    return new Promise((resolve, reject) => {
      if (!this.online) return reject(new Error("The kernel is not connected: run the cell again."));
      this.waiters.push({ resolve, reject });
      void this.push();
    });
  }

  setOnline(online: boolean): void {
    if (online === this.online) return;
    this.online = online;
    if (!online) {
      clearTimeout(this.timer);
      this.fail(new Error("The connection to the kernel was lost."));
      this.setState("offline");
    } else {
      this.failures = 0;
      void this.refetch().catch(() => this.schedule(RETRY_MS[0] ?? 500));
    }
  }

  remote(rev: number, patch: Patch): void {
    if (rev <= this.rev || this.arrived.has(rev)) return;
    this.arrived.set(rev, patch);
    this.drain();
  }

  /** The document was replaced on the kernel's side, or revisions are missing: fetch it and lay our edits over it. */
  async refetch(discardLocal = false): Promise<void> {
    clearTimeout(this.gap);
    const { rev, document } = await this.ports.fetch();
    if (this.stopped) return;
    const local = diff(this.seen, this.ports.serialize());
    const ours = discardLocal ? [] : [this.inflight ?? {}, local].filter((patch) => !isEmpty(patch));
    this.rev = rev;
    for (const known of this.arrived.keys()) if (known <= rev) this.arrived.delete(known);
    this.ports.show(ours.reduce(layOver, document), discardLocal);
    this.inflight = null;
    if (ours.length > 0) {
      this.seen = document;
      this.changed();
    } else {
      const shown = this.ports.serialize();
      this.seen = withLeadsOf(shown, document);
      this.derived(shown);
      if (!this.sending) this.settle();
    }
    this.drain();
  }

  stop(): void {
    this.stopped = true;
    for (const timer of [this.timer, this.slow, this.gap]) clearTimeout(timer);
    this.fail(new Error("The editor was closed."));
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.online && !this.stopped) this.timer = setTimeout(() => void this.push(), ms);
  }

  private async push(): Promise<void> {
    if (this.sending || this.stopped || !this.online) return;
    clearTimeout(this.timer);
    if (this.inflight === null) {
      this.dirty = false;
      const document = this.ports.serialize();
      const patch = diff(this.seen, document);
      if (isEmpty(patch)) return this.settle();
      this.inflight = patch;
      this.seen = document;
    }
    const mine = this.inflight;
    this.sending = true;
    this.setState(this.failures > 0 ? "waiting" : "sending");
    this.slow = setTimeout(() => this.setState("waiting"), SLOW_MS);
    try {
      const { rev } = await this.ports.send(this.rev, mine);
      this.failures = 0;
      this.sent(rev, mine);
    } catch (error) {
      await this.retryLater(error);
    } finally {
      this.sending = false;
      clearTimeout(this.slow);
    }
    if (this.stopped || !this.online || this.failures > 0) return;
    if (this.dirty || this.waiters.length > 0) await this.push();
    else this.settle();
  }

  private sent(rev: number, mine: Patch): void {
    this.inflight = null;
    if (rev === this.rev + 1) this.rev = rev;
    // Revisions before ours are still on their way: ours takes its turn after them.
    else if (rev > this.rev) this.arrived.set(rev, mine);
    this.drain();
  }

  private async retryLater(error: unknown): Promise<void> {
    this.failures += 1;
    if (this.stopped) return;
    this.setState(this.online ? "waiting" : "offline");
    // A refused patch is measured again against the kernel's document; any other failure sends the same patch again.
    if (error instanceof PatchConflict) await this.refetch().catch(() => undefined);
    this.schedule(RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1] ?? 10000);
  }

  private drain(): void {
    for (let patch = this.arrived.get(this.rev + 1); patch; patch = this.arrived.get(this.rev + 1)) {
      this.rev += 1;
      this.arrived.delete(this.rev);
      this.take(patch);
    }
    clearTimeout(this.gap);
    if (this.arrived.size > 0) this.gap = setTimeout(() => void this.refetch().catch(() => undefined), GAP_MS);
  }

  private take(patch: Patch): void {
    const now = this.ports.serialize();
    const local = diff(this.seen, now);
    const under = layOver(layOver(this.seen, patch), this.inflight ?? {});
    const clean = isEmpty(local);
    this.ports.show(layOver(under, onlyOwnKeys(local, this.seen, under)), false);
    // The view writes nodes in its own normal form: take that as seen, so that only real edits count as changes.
    // An answer to what only another view's packs said would go back and forth.
    const shown = this.ports.serialize();
    this.seen = !clean ? under : onlyExtra(patch) ? shown : withLeadsOf(shown, under);
    this.derived(shown);
  }

  private settle(): void {
    this.setState("saved");
    const done = this.waiters;
    this.waiters = [];
    for (const waiter of done) waiter.resolve();
  }

  private fail(error: Error): void {
    const failed = this.waiters;
    this.waiters = [];
    for (const waiter of failed) waiter.reject(error);
  }

  private setState(state: SyncState): void {
    if (this.stopped || state === this.state) return;
    this.state = state;
    this.ports.onState(state);
  }
}

/** `local` where a node that others changed too keeps what was not edited here: results make nodes grow without a word, and
 * a size must not undo a value that Python has set. */
function onlyOwnKeys(local: Patch, seen: Document, under: Document): Patch {
  const set = local.nodes?.set?.map((mine) => {
    const [before, theirs] = [nodeLike(seen, mine), nodeLike(under, mine)];
    if (!before || !theirs) return mine;
    const entries = Object.entries({ ...theirs, ...(mine as Json) }).map(([key]) => {
      const edited = stableText((mine as Json)[key]) !== stableText(before[key]);
      return [key, edited ? (mine as Json)[key] : theirs[key]] as const;
    });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  });
  return set ? { ...local, nodes: { ...local.nodes, set } } : local;
}

type Json = Record<string, unknown>;

function nodeLike(document: Document, node: unknown): Json | undefined {
  const nodes = Array.isArray(document.nodes) ? (document.nodes as unknown[]) : [];
  return nodes.find((other) => String(entryId(other)) === String(entryId(node))) as Json | undefined;
}

/** `apply`, where a patch that no longer fits is left out. */
function layOver(document: Document, patch: Patch): Document {
  try {
    return apply(document, patch);
  } catch (error) {
    if (error instanceof PatchError) return document;
    throw error;
  }
}

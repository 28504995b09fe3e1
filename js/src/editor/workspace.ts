// The document of this view: edits are recorded for undo and sent to the kernel; what the kernel says is shown.

import type { GraphViewApi, LoadReport, WorkflowJson } from "../graph";
import type { KernelApi } from "./api";
import { History } from "./history";
import { type Document, type Patch, withLeadsOf } from "./patch";
import { DocumentSync, type SyncState } from "./sync";

const RECORD_MS = 100;

export interface WorkspacePorts {
  /** The document shown is another one than before, whoever changed it. */
  changed(document: Document): void;
  loaded(report: LoadReport): void;
  /** Another workflow was opened in this one's place. */
  replaced(): void;
  syncState(state: SyncState): void;
}

export class Workspace {
  /** null until the document is in the graph. */
  private begun: { history: History; sync: DocumentSync } | null = null;
  private stopped = false;
  private online = true;
  private replacing = { rev: 0, done: Promise.resolve() };
  private unrecorded: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: Pick<GraphViewApi, "load" | "applyDocument" | "serialize" | "tellChanges">,
    private readonly api: Pick<KernelApi, "patch" | "document">,
    private readonly start: { rev: number; document: Document },
    private readonly ports: WorkspacePorts,
  ) {}

  /** Puts the document into the graph; from now on edits are followed. */
  begin(document: Document = this.start.document): void {
    if (this.begun || this.stopped) return;
    const { view, ports } = this;
    ports.loaded(view.load(document as WorkflowJson));
    const shown = view.serialize();
    const sync = new DocumentSync({
      serialize: () => view.serialize(),
      show: (document, replaced) => this.show(document, replaced),
      send: (base, patch) => this.api.patch(base, patch),
      fetch: () => this.api.document(),
      onState: (state) => ports.syncState(state),
    }, this.start.rev, withLeadsOf(shown, this.start.document));
    this.begun = { history: new History(shown), sync };
    sync.setOnline(this.online);
    sync.derived(shown);
  }

  get hasBegun(): boolean {
    return this.begun !== null;
  }

  /** What is shown. */
  get document(): Document {
    return this.view.serialize();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.unrecorded);
    this.begun?.sync.stop();
  }

  /** An edit of the person. Writing a large graph down costs, so edits of a moment are recorded together. */
  edited(): void {
    if (!this.begun) return;
    this.begun.sync.changed();
    this.unrecorded ??= setTimeout(() => this.record(), RECORD_MS);
  }

  /** An edit that changes the document as a whole. */
  replace(document: Document): void {
    this.view.applyDocument(document as WorkflowJson);
    this.edited();
  }

  /** Another workflow in place of the one shown, as an edit that can be undone. */
  load(document: Document): void {
    if (!this.begun) return;
    this.record();
    this.ports.loaded(this.view.load(document as WorkflowJson));
    this.edited();
  }

  /** Whether somebody changed the graph without saying so; then it counts as an edit. */
  look(): void {
    if (!this.begun) return;
    const document = this.view.serialize();
    if (this.begun.history.differs(document)) this.edited();
    else this.begun.sync.derived(document);
  }

  canUndo(): boolean {
    this.record();
    return this.begun?.history.canUndo ?? false;
  }

  canRedo(): boolean {
    this.record();
    return this.begun?.history.canRedo ?? false;
  }

  undo(): void {
    this.view.tellChanges();
    this.record();
    this.stepTo(this.begun?.history.undo() ?? null);
  }

  redo(): void {
    this.view.tellChanges();
    this.record();
    this.stepTo(this.begun?.history.redo() ?? null);
  }

  /** Resolves once everything edited so far is with the kernel. */
  flush(): Promise<void> {
    return this.begun?.sync.flush() ?? Promise.reject(new Error("The workflow is still being loaded."));
  }

  setOnline(online: boolean): void {
    this.online = online;
    this.begun?.sync.setOnline(online);
  }

  remote(rev: number, patch: Patch): void {
    this.begun?.sync.remote(rev, patch);
  }

  /** Both the reply to opening a file and the kernel's event tell it: the document is fetched once. */
  replaced(rev: number): Promise<void> {
    if (!this.begun) return Promise.resolve();
    const { sync } = this.begun;
    if (rev <= Math.max(sync.revision, this.replacing.rev)) return this.replacing.done;
    const done = sync.refetch(true).then(() => this.ports.replaced());
    this.replacing = { rev, done };
    done.catch(() => { this.replacing = { rev: 0, done: Promise.resolve() }; });
    return done;
  }

  private record(): void {
    if (!this.begun || this.unrecorded === undefined) return;
    clearTimeout(this.unrecorded);
    this.unrecorded = undefined;
    const document = this.view.serialize();
    this.begun.history.record(document);
    this.ports.changed(document);
  }

  /** A document from elsewhere; another one (a file was opened) can be undone like an edit. */
  private show(document: Document, replaced: boolean): void {
    this.record();
    const report = replaced ? this.view.load(document as WorkflowJson) : this.view.applyDocument(document as WorkflowJson);
    if (replaced) this.ports.loaded(report);
    const shown = this.view.serialize();
    if (replaced) this.begun?.history.record(shown);
    else this.begun?.history.rebase(shown);
    this.ports.changed(shown);
  }

  private stepTo(document: Document | null): void {
    if (!document || !this.begun) return;
    this.view.applyDocument(document as WorkflowJson);
    const shown = this.view.serialize();
    this.begun.history.rebase(shown);
    this.begun.sync.changed();
    this.ports.changed(shown);
  }
}

// The document of this view: edits are recorded for undo and sent to the kernel; what the kernel says is shown.

import type { GraphViewApi, LoadReport, WorkflowJson } from "../graph";
import type { KernelApi } from "./api";
import { History } from "./history";
import type { Document, Patch } from "./patch";
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
  private readonly history: History;
  private readonly sync: DocumentSync;
  private replacing = { rev: 0, done: Promise.resolve() };
  private unrecorded: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: Pick<GraphViewApi, "load" | "applyDocument" | "serialize">,
    api: Pick<KernelApi, "patch" | "document">,
    start: { rev: number; document: Document },
    private readonly ports: WorkspacePorts,
  ) {
    ports.loaded(view.load(start.document as WorkflowJson));
    const shown = view.serialize();
    this.history = new History(shown);
    this.sync = new DocumentSync({
      serialize: () => view.serialize(),
      show: (document, replaced) => this.show(document, replaced),
      send: (base, patch) => api.patch(base, patch),
      fetch: () => api.document(),
      onState: (state) => ports.syncState(state),
    }, start.rev, shown);
  }

  stop(): void {
    clearTimeout(this.unrecorded);
    this.sync.stop();
  }

  /** An edit of the person. Writing a large graph down costs, so edits of a moment are recorded together. */
  edited(): void {
    this.sync.changed();
    this.unrecorded ??= setTimeout(() => this.record(), RECORD_MS);
  }

  /** An edit that changes the document as a whole. */
  replace(document: Document): void {
    this.view.applyDocument(document as WorkflowJson);
    this.edited();
  }

  canUndo(): boolean {
    this.record();
    return this.history.canUndo;
  }

  canRedo(): boolean {
    this.record();
    return this.history.canRedo;
  }

  undo(): void {
    this.record();
    this.stepTo(this.history.undo());
  }

  redo(): void {
    this.record();
    this.stepTo(this.history.redo());
  }

  /** Resolves once everything edited so far is with the kernel. */
  flush(): Promise<void> {
    return this.sync.flush();
  }

  setOnline(online: boolean): void {
    this.sync.setOnline(online);
  }

  remote(rev: number, patch: Patch): void {
    this.sync.remote(rev, patch);
  }

  /** Both the reply to opening a file and the kernel's event tell it: the document is fetched once. */
  replaced(rev: number): Promise<void> {
    if (rev <= Math.max(this.sync.revision, this.replacing.rev)) return this.replacing.done;
    const done = this.sync.refetch(true).then(() => this.ports.replaced());
    this.replacing = { rev, done };
    done.catch(() => { this.replacing = { rev: 0, done: Promise.resolve() }; });
    return done;
  }

  private record(): void {
    if (this.unrecorded === undefined) return;
    clearTimeout(this.unrecorded);
    this.unrecorded = undefined;
    const document = this.view.serialize();
    this.history.record(document);
    this.ports.changed(document);
  }

  /** A document from elsewhere; another one (a file was opened) can be undone like an edit. */
  private show(document: Document, replaced: boolean): void {
    this.record();
    const report = replaced ? this.view.load(document as WorkflowJson) : this.view.applyDocument(document as WorkflowJson);
    if (replaced) this.ports.loaded(report);
    const shown = this.view.serialize();
    if (replaced) this.history.record(shown);
    else this.history.rebase(shown);
    this.ports.changed(shown);
  }

  private stepTo(document: Document | null): void {
    if (!document) return;
    this.view.applyDocument(document as WorkflowJson);
    const shown = this.view.serialize();
    this.history.rebase(shown);
    this.sync.changed();
    this.ports.changed(shown);
  }
}

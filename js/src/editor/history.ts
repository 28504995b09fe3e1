// Undo and redo: a stack of patches both ways. Typing into one widget within a moment is one step.

import { apply, diff, isEmpty, onlyExtra, touchedNodes, type Document, type Patch } from "./patch";

interface Step {
  undo: Patch;
  redo: Patch;
  /** The one node whose widget values alone changed, where that is so; steps of the same node run together. */
  typing: string | null;
  at: number;
}

const COALESCE_MS = 1200;
const LIMIT = 200;

export class History {
  private readonly past: Step[] = [];
  private readonly future: Step[] = [];
  /** The document before the newest step, kept so that a longer step can be measured from its start. */
  private before: Document;

  constructor(
    private current: Document,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.before = current;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** Whether this is another document than the newest recorded one. */
  differs(document: Document): boolean {
    const change = diff(this.current, document);
    return !isEmpty(change) && !onlyExtra(change);
  }

  /** An edit of the person at this view. Returns true when something changed. */
  record(document: Document): boolean {
    const redo = diff(this.current, document);
    if (isEmpty(redo) || onlyExtra(redo)) { // no edit of a person
      this.current = document;
      return false;
    }
    const typing = typedNode(this.current, redo);
    const last = this.past.at(-1);
    const at = this.now();
    if (typing !== null && last?.typing === typing && at - last.at < COALESCE_MS && this.future.length === 0) {
      this.current = document;
      last.redo = diff(this.before, document);
      last.undo = diff(document, this.before);
      last.at = at;
      return true;
    }
    this.before = this.current;
    this.past.push({ redo, undo: diff(document, this.current), typing, at });
    if (this.past.length > LIMIT) this.past.shift();
    this.future.length = 0;
    this.current = document;
    return true;
  }

  /** The document changed, but not by this view's person (the kernel, another view): steps apply on top of it. */
  rebase(document: Document): void {
    this.current = document;
    const last = this.past.at(-1);
    if (last) last.typing = null;
  }

  /** The document one step back, or null; the caller shows it and confirms with `rebase`. */
  undo(): Document | null {
    const step = this.past.pop();
    if (!step) return null;
    step.typing = null;
    this.future.push(step);
    this.current = apply(this.current, step.undo);
    return this.current;
  }

  redo(): Document | null {
    const step = this.future.pop();
    if (!step) return null;
    this.past.push(step);
    this.current = apply(this.current, step.redo);
    return this.current;
  }
}

function typedNode(before: Document, patch: Patch): string | null {
  const [id, ...others] = touchedNodes(patch);
  const node = patch.nodes?.set?.[0] as Record<string, unknown> | undefined;
  if (id === undefined || others.length > 0 || !node || patch.links || patch.remove || patch.nodes?.remove) return null;
  const old = (before.nodes as Record<string, unknown>[]).find((candidate) => String(candidate.id) === id);
  if (!old) return null;
  const change = diff(old, node);
  return Object.keys(change.set ?? {}).every((key) => key === "widgets_values") && !change.remove ? id : null;
}

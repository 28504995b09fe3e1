// What went wrong in the JavaScript of packs: hooks and callbacks that threw, modules that did not load.

export interface PackProblem {
  /** The pack's folder name, where it is known. */
  pack: string | null;
  /** The extension, module or callback. */
  source: string;
  message: string;
  details: string;
  /** How often it happened. */
  count: number;
}

const LIMIT = 200;

export class PackProblems {
  private readonly problems: PackProblem[] = [];
  private readonly listeners = new Set<(problem: PackProblem) => void>();

  get all(): readonly PackProblem[] {
    return this.problems;
  }

  /** An error that comes again counts up: callbacks may throw sixty times a second. */
  add(source: string, error: unknown, pack: string | null = null): void {
    const message = error instanceof Error ? error.message || error.name : String(error);
    const known = this.problems.find((problem) => problem.source === source && problem.message === message);
    if (known) {
      known.count++;
      return;
    }
    const problem = { pack, source, message, details: error instanceof Error ? (error.stack ?? "") : "", count: 1 };
    console.error(`comfy_notebook: ${source}: ${problem.details || message}`); // text only: an error object would keep a closed frame alive
    if (this.problems.length >= LIMIT) return;
    this.problems.push(problem);
    for (const listener of this.listeners) listener(problem);
  }

  onAdded(listener: (problem: PackProblem) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

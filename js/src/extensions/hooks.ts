// The extensions that packs registered, and calling their hooks: in the order of registration, each with the app as its last
// argument; an exception costs its own extension only and is told under its name.
import type { ComfyExtension } from "./types";

export type Report = (extension: string, where: string, error: unknown) => void;

/** A hook that has not settled after this time is left behind. */
const PATIENCE_MS = 15_000;

export class ExtensionHooks {
  readonly extensions: ComfyExtension[] = [];

  constructor(
    private readonly app: () => unknown,
    private readonly report: Report,
    private readonly patience = PATIENCE_MS,
  ) {}

  /** Throws where a name is missing or taken: packs tell two versions of themselves apart by that. */
  add(extension: ComfyExtension): void {
    if (!extension?.name) throw new Error("Extensions must have a 'name' property.");
    if (this.extensions.some(({ name }) => name === extension.name)) throw new Error(`Extension named '${extension.name}' already registered.`);
    this.extensions.push(extension);
  }

  remove(name: string): void {
    const at = this.extensions.findIndex((extension) => extension.name === name);
    if (at >= 0) this.extensions.splice(at, 1);
  }

  /** Calls a hook of all extensions (or of `only` these) now; what promises among the answers come to is awaited by nobody. */
  call(hook: string, args: unknown[], only: readonly ComfyExtension[] = this.extensions): { extension: ComfyExtension; answer: unknown }[] {
    const answers: { extension: ComfyExtension; answer: unknown }[] = [];
    for (const extension of [...only]) {
      try {
        const member = extension[hook];
        if (typeof member !== "function") continue;
        const answer: unknown = member.call(extension, ...args, this.app());
        if (isPromise(answer)) answer.then(undefined, (error: unknown) => this.report(extension.name, hook, error));
        answers.push({ extension, answer });
      } catch (error) {
        this.report(extension.name, hook, error);
      }
    }
    return answers;
  }

  /** As `call`; where an answer is a promise, resolves once all have settled or patience ended. */
  settle(hook: string, args: unknown[], only?: readonly ComfyExtension[]): Promise<void> | void {
    const waiting = this.call(hook, args, only).filter(({ answer }) => isPromise(answer));
    if (waiting.length === 0) return;
    return Promise.all(waiting.map(({ extension, answer }) => this.patiently(extension, hook, answer as Promise<unknown>))).then(() => undefined);
  }

  private patiently(extension: ComfyExtension, hook: string, answer: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.report(extension.name, hook, new Error(`did not end within ${Math.round(this.patience / 1000)} s; the editor goes on without it`));
        resolve();
      }, this.patience);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      answer.then(done, done);
    });
  }
}

/** Promises of other realms too. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

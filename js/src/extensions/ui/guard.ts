// Runs what packs wrote: an exception of one pack is told under its name and stops nobody else.

export type Report = (source: string, error: unknown) => void;

let report: Report = (source, error) => console.error(`${source}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);

/** Who hears of failures; the editor's list of pack problems in the product. */
export function setReport(listener: Report): void {
  report = listener;
}

/** What `work` returns, or undefined when it throws. A promise that rejects is told too. */
export function guarded<T>(source: string, work: () => T): T | undefined {
  try {
    const result = work();
    if (result instanceof Promise) result.catch((error: unknown) => report(source, error));
    return result;
  } catch (error) {
    report(source, error);
    return undefined;
  }
}

/** Labels, icons and the like are text or functions that make it. */
export function textOf(source: string, value: unknown): string {
  const text = typeof value === "function" ? guarded(source, () => (value as () => unknown)()) : value;
  return text === undefined || text === null ? "" : String(text);
}

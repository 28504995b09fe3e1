// Packs change the graph whenever they like and tell nobody: it is looked at now and then, and soon after what a person did.

const OFTEN_MS = 2000;
const SOON_MS = 250;
/** A look that takes long is taken less often. */
const SHARE = 50;
const GESTURES = ["pointerup", "keyup", "input", "change"];

/** Calls `look` until it is told to stop. */
export function keepLooking(window: Window, look: () => void): () => void {
  let timer: number | undefined;
  let latest = 0;
  let rest = 0;
  const schedule = (ms: number): void => {
    const now = performance.now();
    window.clearTimeout(timer);
    timer = window.setTimeout(looks, Math.min(now + Math.max(ms, rest), latest) - now);
  };
  const looks = (): void => {
    const started = performance.now();
    if (!window.document.hidden) look();
    const now = performance.now();
    rest = (now - started) * SHARE;
    latest = now + Math.max(OFTEN_MS, rest);
    schedule(OFTEN_MS);
  };
  // once a gesture has come to its end: a look may become a step of undo
  const soon = (): void => schedule(SOON_MS);
  for (const type of GESTURES) window.addEventListener(type, soon, { capture: true, passive: true });
  schedule(0);
  return () => {
    window.clearTimeout(timer);
    for (const type of GESTURES) window.removeEventListener(type, soon, { capture: true });
  };
}

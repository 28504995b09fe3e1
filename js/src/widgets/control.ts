// Control after generate: how a seed or a choice moves on between runs.

export const CONTROL_MODES = ["fixed", "increment", "decrement", "randomize"] as const;
export const COMBO_CONTROL_MODES = ["fixed", "increment", "increment-wrap", "decrement", "randomize"] as const;

/** Random values stay within ±2^50: every integer up to there (and its sums with a step) is exact in a JS number. */
export const RANDOM_LIMIT = 2 ** 50;

export interface NumberRange {
  min?: number;
  max?: number;
  step?: number;
}

/** The number after one run. Values too large to be exact integers are left alone by increment and decrement. */
export function nextNumber(mode: unknown, value: unknown, range: NumberRange, random: () => number = Math.random): unknown {
  const min = range.min ?? 0;
  const max = range.max ?? RANDOM_LIMIT;
  const step = range.step && range.step > 0 ? range.step : 1;
  if (mode === "randomize") {
    const low = Math.max(min, -RANDOM_LIMIT);
    const high = Math.min(max, RANDOM_LIMIT);
    const count = Math.floor((high - low) / step) + 1;
    return Math.min(low + Math.floor(random() * count) * step, high);
  }
  if (mode !== "increment" && mode !== "decrement") return value;
  if (typeof value !== "number" || !Number.isFinite(value)) return value;
  const next = mode === "increment" ? value + step : value - step;
  if (Number.isInteger(value) && !Number.isSafeInteger(next)) return value;
  return Math.min(Math.max(next, min), max);
}

/** The choice after one run. `filter` narrows the choices: text that must occur, or a regular expression between slashes. */
export function nextChoice(
  mode: unknown, value: unknown, options: readonly unknown[], filter = "", random: () => number = Math.random,
): unknown {
  const choices = filterChoices(options, filter);
  if (!choices.length || mode === "fixed") return value;
  const at = choices.indexOf(value);
  const last = choices.length - 1;
  switch (mode) {
    case "increment": return choices[Math.min(at + 1, last)];
    case "increment-wrap": return choices[at >= last ? 0 : at + 1];
    case "decrement": return choices[Math.max(at - 1, 0)];
    case "randomize": return choices[Math.min(Math.floor(random() * choices.length), last)];
    default: return value;
  }
}

export function filterChoices(options: readonly unknown[], filter: string): unknown[] {
  const text = filter.trim();
  if (!text) return [...options];
  const pattern = /^\/(.*)\/([a-z]*)$/s.exec(text);
  if (pattern) {
    try {
      const expression = new RegExp(pattern[1] ?? "", (pattern[2] ?? "").replace(/[gy]/g, ""));
      return options.filter((option) => expression.test(String(option)));
    } catch {
      return [...options]; // a half-typed expression must not stop a run
    }
  }
  const lower = text.toLowerCase();
  return options.filter((option) => String(option).toLowerCase().includes(lower));
}

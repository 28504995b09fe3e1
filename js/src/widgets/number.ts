// Numbers in widgets: limits, rounding, what is shown and what a person typed.

export interface NumberOptions {
  min?: number;
  max?: number;
  /** Size of one step of the arrows. */
  step2?: number;
  /** Quantum that values are rounded to; 0 or undefined: no rounding. */
  round?: number;
  /** Decimals shown at least. */
  precision?: number;
  integer?: boolean;
}

/** Options of an INT or FLOAT input as the widget uses them. */
export function numberOptions(type: "INT" | "FLOAT", options: Record<string, unknown>): NumberOptions {
  const number = (key: string): number | undefined => (typeof options[key] === "number" ? options[key] : undefined);
  const min = number("min") ?? 0;
  const max = number("max") ?? 2048;
  if (type === "INT") {
    const step = Math.max(1, number("step") ?? 1);
    return { min, max, step2: step, round: step > 1 ? step : 1, precision: 0, integer: true };
  }
  const step = number("step") || 0.5;
  const precision = Math.min(Math.max(-Math.floor(Math.log10(step)), 0), 12);
  if (options.round === false) return { min, max, step2: step, precision };
  const round = number("round") || Number((0.1 ** precision).toFixed(precision));
  return { min, max, step2: step, round, precision: Math.max(decimals(step), Math.min(decimals(round), 6)) };
}

export function decimals(value: number): number {
  const text = String(value);
  const exponent = /e-(\d+)$/.exec(text);
  if (exponent) return Math.min(Number(exponent[1]), 12);
  return Math.min((text.split(".")[1] ?? "").length, 12);
}

export function clampRound(value: number, options: NumberOptions): number {
  if (!Number.isFinite(value)) return options.min ?? 0;
  const { min = -Infinity, max = Infinity, round } = options;
  let out = value;
  if (options.integer) {
    const quantum = round && round > 1 ? round : 1;
    const base = quantum > 1 && Number.isFinite(min) ? min : 0;
    out = Math.round((out - base) / quantum) * quantum + base;
  } else if (round) {
    out = Number((Math.round(out / round) * round).toFixed(12));
  }
  return Math.min(Math.max(out, min), max);
}

/** What the widget shows; a value that is no number is shown as it is. */
export function formatNumber(value: unknown, options: NumberOptions): string {
  if (typeof value !== "number") return plainText(value);
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) return String(value);
  const shown = Number.isInteger(value) ? 0 : Math.min(decimals(value), 6);
  return value.toFixed(Math.max(options.precision ?? 0, shown));
}

/**
 * The number a person typed; plain arithmetic (`1024*1.5`, `(3+1)/2`) is understood, anything else is null.
 * A hand-written reader: strict pages forbid eval.
 */
export function parseNumber(text: string): number | null {
  const tokens = text.replace(/(\d),(\d{3})\b/g, "$1$2").replace(/,/g, ".").match(/\d*\.?\d+(?:e[+-]?\d+)?|\d+\.|[-+*/()]|\S/gi);
  if (!tokens) return null;
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++];
    if (token === "-") return -factor();
    if (token === "+") return factor();
    if (token === "(") {
      const value = sum();
      return tokens[at++] === ")" ? value : NaN;
    }
    return token === undefined ? NaN : Number(token);
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === "*" || tokens[at] === "/") value = tokens[at++] === "*" ? value * factor() : value / factor();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") value = tokens[at++] === "+" ? value + product() : value - product();
    return value;
  };
  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : null;
}

/** Any JSON value as one short line. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") {
    try {
      return JSON.stringify(value);
    } catch {
      return "…";
    }
  }
  return String(value);
}

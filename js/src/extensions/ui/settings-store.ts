// The settings of packs: what they declared, what the person chose, kept by the server's /settings.

import { guarded } from "./guard";
import type { SettingParams } from "./types";

export interface SettingsBackend {
  load(): Promise<Record<string, unknown>>;
  save(id: string, value: unknown): Promise<unknown>;
}

/** Fires `<id>.change` with `{value, previousValue}` for every setting, and `added` when one is declared. */
export class SettingsStore extends EventTarget {
  /** Chosen values by id; a setting left at its default is not here. */
  values: Record<string, unknown> = {};
  readonly params: Record<string, SettingParams> = {};
  private loading: Promise<void> | null = null;

  constructor(private readonly backend: SettingsBackend) {
    super();
  }

  /** Values must be here before packs declare settings: declaring tells them their value. */
  load(): Promise<void> {
    this.loading ??= this.backend.load().then(
      (values) => { this.values = { ...values, ...this.values }; },
      (error: unknown) => console.warn(`comfy_notebook: settings of packs could not be read: ${String(error)}`),
    );
    return this.loading;
  }

  /** Declares a setting and tells it its value. Declaring it again replaces it, as a reloaded pack does. */
  add(params: SettingParams): void {
    if (!params?.id) throw new Error("A setting needs an id.");
    this.params[params.id] = params;
    this.dispatchEvent(new CustomEvent("added", { detail: params.id }));
    this.tellFirst(params, this.get(params.id));
  }

  /** The chosen value, else `fallback`, else the declared default. */
  get(id: string, fallback?: unknown): unknown {
    if (Object.hasOwn(this.values, id)) return copyOf(this.values[id]);
    if (fallback !== undefined) return fallback;
    return this.defaultOf(id);
  }

  defaultOf(id: string): unknown {
    const { defaultValue } = this.params[id] ?? {};
    return copyOf(typeof defaultValue === "function" ? guarded(id, defaultValue as () => unknown) : defaultValue);
  }

  /** Resolves once the server has it. */
  async set(id: string, value: unknown): Promise<void> {
    if (Object.hasOwn(this.values, id) && sameValue(this.get(id), value)) return;
    this.adopt(id, value);
    await this.backend.save(id, value);
  }

  /** As `set` for a value that somebody else keeps. */
  adopt(id: string, value: unknown): void {
    const old = this.get(id);
    this.values[id] = copyOf(value);
    if (sameValue(old, value)) return;
    const params = this.params[id];
    if (params) this.tell(params, value, old);
    this.dispatchEvent(new CustomEvent(`${id}.change`, { detail: { value, previousValue: old } }));
  }

  /** Packs declare settings at the top of a module and name variables in `onChange` that come further down: it is asked again then. */
  private tellFirst(params: SettingParams, value: unknown): void {
    guarded(`setting ${params.id}`, () => {
      try {
        return params.onChange?.(value, undefined);
      } catch (error) {
        if (!(error instanceof ReferenceError)) throw error;
        setTimeout(() => this.tell(params, value, undefined));
      }
    });
  }

  private tell(params: SettingParams, value: unknown, old: unknown): void {
    if (params.onChange) guarded(`setting ${params.id}`, () => params.onChange?.(value, old));
  }
}

const sameValue = (a: unknown, b: unknown): boolean => a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

/** Packs change lists they were given and set them again: that must count as a change. */
function copyOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? structuredClone(value) : value;
}

export interface SettingPlace {
  category: string;
  section: string;
}

/** Where a setting stands: its category list, else its id split at the dots. */
export function placeOf({ id, category }: Pick<SettingParams, "id" | "category">): SettingPlace {
  const path = Array.isArray(category) && category.length > 0 ? category.map(String) : id.split(".");
  if (path.length < 2) return { category: "Other", section: path[0] ?? id };
  return { category: path[0] as string, section: path[1] as string };
}

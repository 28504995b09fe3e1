// Properties that tell when they are set, as the buttons and popups of packs are driven: `button.enabled = false`.

/** Defines `target[name]`; `onChanged` hears every set, and the first value too. */
export function prop<T extends object, V>(target: T, name: string, initial: V, onChanged?: (value: V, previous: V | undefined, target: T, name: string) => unknown): V {
  let current: V = initial;
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (value: V) => {
      const previous = current;
      current = value;
      if (previous !== value) onChanged?.(value, previous, target, name);
    },
  });
  onChanged?.(initial, undefined, target, name);
  return initial;
}

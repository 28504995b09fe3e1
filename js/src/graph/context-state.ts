// Knows how deep a canvas context's saved states are, so that drawing that failed half-way cannot shift what is drawn after it.

export interface StateGuard {
  depth(): number;
  /** Restores states until `depth` of them are left. */
  unwind(depth: number): void;
}

/** Counts `save` and `restore` of this context from now on. */
export function guardState(ctx: CanvasRenderingContext2D): StateGuard {
  let depth = 0;
  const save = ctx.save.bind(ctx);
  const restore = ctx.restore.bind(ctx);
  ctx.save = () => {
    depth += 1;
    save();
  };
  ctx.restore = () => {
    if (depth > 0) depth -= 1;
    restore();
  };
  return {
    depth: () => depth,
    unwind: (to) => {
      while (depth > to) ctx.restore();
    },
  };
}

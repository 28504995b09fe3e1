// A text field laid over a canvas widget or a title while it is edited.

export interface InlineEditOptions {
  left: number;
  top: number;
  width: number;
  height: number;
  fontSize: number;
  value: string;
  align?: "left" | "center" | "right";
  numeric?: boolean;
  label?: string;
  onCommit: (text: string) => void;
  /** Always called once, after a commit too. */
  onClose?: () => void;
  /** Arrow keys of numbers: the new text, or null to leave it. */
  onStep?: (text: string, steps: number) => string | null;
}

/** Opens the field; the returned function closes it without a commit. */
export function openInlineEdit(parent: HTMLElement, options: InlineEditOptions): () => void {
  const input = document.createElement("input");
  input.className = "cn-inline";
  input.type = "text";
  if (options.numeric) input.inputMode = "decimal";
  input.value = options.value;
  input.spellcheck = false;
  input.setAttribute("aria-label", options.label ?? "Value");
  Object.assign(input.style, {
    left: `${options.left}px`, top: `${options.top}px`, width: `${options.width}px`, height: `${options.height}px`,
    fontSize: `${options.fontSize}px`, textAlign: options.align ?? "left",
  });
  let open = true;
  const close = (commit: boolean): void => {
    if (!open) return;
    open = false;
    const text = input.value;
    input.remove();
    if (commit && text !== options.value) options.onCommit(text);
    options.onClose?.();
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Tab") close(true);
    else if (event.key === "Escape") close(false);
    else if (options.onStep && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const steps = (event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 10 : 1);
      const next = options.onStep(input.value, steps);
      if (next !== null) input.value = next;
    } else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => close(true));
  parent.append(input);
  input.focus({ preventScroll: true });
  input.select();
  return () => close(false);
}

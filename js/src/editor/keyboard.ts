// Key combinations: from events to names such as "ctrl+shift+z", and which command they run. Ctrl stands for Cmd on a Mac.

const NAMED: Record<string, string> = { " ": "space", esc: "escape", del: "delete" };

/** null for a bare modifier. */
export function comboOf(event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string | null {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return null;
  // Alt and Shift change the character on many layouts (Alt+C is "ç" on a Mac): take the key itself.
  const letter = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
  const produced = event.key.toLowerCase();
  const plain = /^[a-z]$/.test(produced) ? produced : undefined;
  const key = plain ?? ((event.altKey || event.ctrlKey || event.metaKey) && letter ? letter.toLowerCase() : produced);
  const shift = event.shiftKey && (key.length > 1 || /^[a-z0-9]$/.test(key));
  const parts = [(event.ctrlKey || event.metaKey) && "ctrl", event.altKey && "alt", shift && "shift", NAMED[key] ?? key];
  return parts.filter(Boolean).join("+");
}

export interface Command {
  id: string;
  label: string;
  keys?: string[];
  run(): void;
  /** Its keys are nobody's habit elsewhere: packs may have them. */
  yields?: boolean;
  enabled?(): boolean;
  checked?(): boolean;
  /** Also while a text field has the focus. */
  whileTyping?: boolean;
  /** Run by a clipboard event instead; the key itself goes on to the browser. */
  byEvent?: boolean;
}

/** `within` says where the focus must be for the keys to count. */
interface Binding {
  id: string;
  within?: ((target: EventTarget | null) => boolean) | undefined;
}

export class Commands {
  private readonly byId = new Map<string, Command>();
  private readonly byKey = new Map<string, Binding>();

  add(commands: Command[]): void {
    for (const command of commands) {
      this.byId.set(command.id, command);
      for (const key of command.keys ?? []) {
        if (this.byKey.has(key)) throw new Error(`${key} is already ${this.owner(key)}`);
        this.byKey.set(key, { id: command.id });
      }
    }
  }

  remove(id: string): void {
    this.byId.delete(id);
    for (const key of this.keysOf(id)) this.byKey.delete(key);
  }

  find(id: string): Command | undefined {
    return this.byId.get(id);
  }

  get(id: string): Command {
    const command = this.byId.get(id);
    if (!command) throw new Error(`There is no command ${id}`);
    return command;
  }

  all(): Command[] {
    return [...this.byId.values()];
  }

  run(id: string): void {
    const command = this.get(id);
    if (command.enabled?.() ?? true) command.run();
  }

  /** The command that a key combination runs. */
  owner(key: string): string | undefined {
    return this.byKey.get(key)?.id;
  }

  /** Gives a command a key, which may have been another's; the command may come later. */
  bind(key: string, id: string, within?: Binding["within"]): void {
    const before = this.byId.get(this.owner(key) ?? "");
    if (before?.keys) before.keys = before.keys.filter((own) => own !== key);
    this.byKey.set(key, { id, within });
    const command = this.byId.get(id);
    if (command) command.keys = [...(command.keys ?? []), key];
  }

  /** The keys of a command, its own and those it was given. */
  keysOf(id: string): string[] {
    return [...this.byKey].flatMap(([key, binding]) => (binding.id === id ? [key] : []));
  }

  /** What a key press in the editor runs; null leaves the key to whatever has the focus. */
  forKey(event: KeyboardEvent, typing: boolean): Command | null {
    const combo = event.isComposing ? null : comboOf(event);
    const binding = combo ? this.byKey.get(combo) : undefined;
    const command = binding && (binding.within?.(event.target) ?? true) ? this.byId.get(binding.id) : undefined;
    return command && (!typing || command.whileTyping) ? command : null;
  }
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["button", "checkbox", "radio", "range", "color", "file"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** Buttons and menu entries keep Enter, Space and the arrows for themselves; Escape is for the editor. */
export function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a[href], [role=menuitem], [role=option], input, select, summary") !== null;
}

const OWN_KEYS = new Set(["enter", "space", "tab", "arrowup", "arrowdown", "arrowleft", "arrowright", "home", "end"]);

/**
 * Runs commands on keys pressed inside `root`, before the canvas sees them, and lets no key out of `root`. Where packs share
 * the page (`shared`), which then is the editor's own frame, keys go on to whoever listens on the window, and keys pressed
 * while nothing has the focus count too.
 */
export function bindKeys(root: HTMLElement, commands: Commands, suspended: (event: KeyboardEvent) => boolean, shared: () => boolean = () => false): () => void {
  const down = (event: KeyboardEvent) => {
    if (event.defaultPrevented || suspended(event)) return;
    if (isControl(event.target) && OWN_KEYS.has(comboOf(event) ?? "")) return;
    const command = commands.forKey(event, isTyping(event.target));
    if (!command) return;
    if (!shared()) event.stopPropagation();
    if (command.byEvent) return;
    event.preventDefault();
    if (command.enabled?.() ?? true) command.run();
  };
  const hold = (event: Event) => void (shared() || event.stopPropagation());
  const page = root.ownerDocument;
  const onPage = (event: KeyboardEvent) => void (shared() && event.target === page.body && down(event));
  root.addEventListener("keydown", down, true);
  page.addEventListener("keydown", onPage);
  for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, hold);
  return () => {
    root.removeEventListener("keydown", down, true);
    page.removeEventListener("keydown", onPage);
    for (const type of ["keydown", "keyup", "keypress"]) root.removeEventListener(type, hold);
  };
}

/** The canvas gets the focus in many ways; a ring around it is for those who came by Tab. */
export function showsKeyFocus(root: HTMLElement): () => void {
  const down = (event: KeyboardEvent) => event.key === "Tab" && root.classList.add("cn-by-key");
  const press = () => root.classList.remove("cn-by-key");
  root.addEventListener("keydown", down, true);
  root.addEventListener("pointerdown", press, true);
  return () => {
    root.removeEventListener("keydown", down, true);
    root.removeEventListener("pointerdown", press, true);
  };
}

const SYMBOLS: Record<string, string> = { ctrl: "Ctrl", alt: "Alt", shift: "Shift", delete: "Del", escape: "Esc", space: "Space", enter: "Enter" };

/** "ctrl+shift+z" → "Ctrl+Shift+Z" */
export function keyLabel(combo: string | undefined, mac = /Mac|iPhone|iPad/.test(navigator.platform)): string {
  if (!combo) return "";
  const parts = combo.split(/\+(?=.)/).map((part) => SYMBOLS[part] ?? (part.length === 1 ? part.toUpperCase() : part));
  return mac ? parts.map((part) => ({ Ctrl: "⌘", Alt: "⌥", Shift: "⇧" })[part] ?? part).join("") : parts.join("+");
}

// Commands as packs know them, and how the editor's own commands are among them: whoever replaces the `function` of one
// changes what the editor's menu and keys do.

import type { Command, Commands } from "../../editor/keyboard";
import { keybindingOf } from "./keybindings";
import { guarded, textOf } from "./guard";
import type { ExtensionCommand, Keybinding } from "./types";

/** The reference's names of commands that the editor has. */
export const CORE_COMMANDS: Record<string, string> = {
  "Comfy.QueuePrompt": "run", "Comfy.QueuePromptFront": "run-front", "Comfy.QueueSelectedOutputNodes": "run-selected", "Comfy.Interrupt": "cancel",
  "Comfy.ClearPendingTasks": "clear-queue", "Comfy.Undo": "undo", "Comfy.Redo": "redo", "Comfy.OpenWorkflow": "open", "Comfy.SaveWorkflow": "save",
  "Comfy.ExportWorkflow": "save-json", "Comfy.ExportWorkflowAPI": "save-api", "Comfy.ClearWorkflow": "clear", "Comfy.RefreshNodeDefinitions": "refresh",
  "Comfy.ShowSettingsDialog": "settings", "Comfy.Canvas.FitView": "fit", "Comfy.Canvas.ResetView": "fit", "Comfy.Canvas.ZoomIn": "zoom-in", "Comfy.Canvas.ZoomOut": "zoom-out",
  "Comfy.Canvas.SelectAll": "select-all", "Comfy.Canvas.DeleteSelectedItems": "delete", "Comfy.Canvas.ToggleSelectedNodes.Mute": "mute",
  "Comfy.Canvas.ToggleSelectedNodes.Bypass": "bypass", "Comfy.Canvas.ToggleSelectedNodes.Collapse": "collapse", "Comfy.Canvas.ToggleSelectedNodes.Pin": "pin",
  "Comfy.Graph.GroupSelectedNodes": "group", "Comfy.Graph.ConvertToSubgraph": "subgraph", "Comfy.MaskEditor.OpenMaskEditor": "mask-editor",
};

export class CommandStore {
  /** Every command; packs look in here and replace functions. */
  readonly commands: ExtensionCommand[] = [];

  constructor(private readonly editor: Commands) {
    for (const [id, own] of Object.entries(CORE_COMMANDS)) this.adopt(id, editor.find(own));
  }

  getCommand(id: string): ExtensionCommand | undefined {
    return this.commands.find((command) => command.id === id);
  }

  isRegistered(id: string): boolean {
    return this.getCommand(id) !== undefined;
  }

  /** A command of the same id is replaced, as a reloaded pack does. */
  registerCommand(command: ExtensionCommand): void {
    const at = this.commands.findIndex(({ id }) => id === command.id);
    if (at < 0) this.commands.push(command);
    else this.commands[at] = command;
    if (!this.editor.find(command.id)) this.editor.add([this.forEditor(command.id)]);
  }

  unregister(id: string): void {
    const at = this.commands.findIndex((command) => command.id === id);
    if (at < 0 || id in CORE_COMMANDS) return;
    this.commands.splice(at, 1);
    this.editor.remove(id);
  }

  registerCommands(commands: ExtensionCommand[]): void {
    for (const command of commands) this.registerCommand(command);
  }

  /** Rejects when there is no such command, or when it throws and no `errorHandler` is given. */
  async execute(id: string, options: { errorHandler?: (error: unknown) => void; metadata?: Record<string, unknown> } = {}, ...args: unknown[]): Promise<void> {
    const command = this.getCommand(id);
    if (!command) throw new Error(`There is no command ${id}.`);
    try {
      await command.function(...(args.length > 0 ? args : [options.metadata]));
    } catch (error) {
      if (!options.errorHandler) throw error;
      options.errorHandler(error);
    }
  }

  /** What the command did when it failed is told under its id. */
  run(id: string, ...args: unknown[]): void {
    void guarded(`command ${id}`, () => this.execute(id, {}, ...args));
  }

  /** Text why the keys were not taken, or null. Most of the editor's own keys stay its own. */
  bind({ combo, commandId, targetElementId }: Keybinding): string | null {
    const key = keybindingOf(combo);
    if (!key) return `The keys of ${commandId} are no key combination.`;
    const owner = this.editor.owner(key);
    if (owner && owner !== commandId && !this.editor.find(owner)?.yields) return `${key} is already ${owner}; ${commandId} has no key.`;
    const within = targetElementId ? (target: EventTarget | null) => target instanceof Element && target.closest(`#${CSS.escape(targetElementId)}`) !== null : undefined;
    const id = CORE_COMMANDS[commandId] ?? commandId;
    this.editor.bind(key, id, within);
    return null;
  }

  private adopt(id: string, own: Command | undefined): void {
    if (!own) return;
    const original = own.run;
    const command: ExtensionCommand = { id, label: own.label, function: () => original() };
    this.commands.push(command);
    if (CORE_COMMANDS[id] === own.id && !this.commands.some((other) => other !== command && CORE_COMMANDS[other.id] === own.id)) own.run = () => this.run(id);
  }

  private forEditor(id: string): Command {
    const label = () => textOf(id, this.getCommand(id)?.label) || id;
    return { id, get label() { return label(); }, run: () => this.run(id) };
  }
}

// Every command of the editor with its keys.

import type { Command } from "./keyboard";
import type { Editor } from "./editor";

export function editorCommands(editor: Editor): Command[] {
  const { view } = editor;
  const selected = () => view.selection().length > 0;
  const live = () => editor.live;
  const outputs = () => editor.selectedOutputs();
  const zoom = (factor: number) => view.setScale(view.getScale() * factor);
  return [
    { id: "run", label: "Run", keys: ["ctrl+enter"], whileTyping: true, enabled: live, run: () => editor.run() },
    { id: "run-front", label: "Run next, before others", keys: ["ctrl+shift+enter"], whileTyping: true, enabled: live, run: () => editor.run({ front: true }) },
    { id: "run-selected", label: "Run selected outputs", enabled: () => live() && outputs().length > 0, run: () => editor.run({ targets: outputs() }) },
    { id: "cancel", label: "Cancel the run", keys: ["ctrl+alt+enter"], whileTyping: true, enabled: live, run: () => void editor.runs.cancel() },
    { id: "clear-queue", label: "Clear the queue", enabled: live, run: () => editor.clearQueue() },
    { id: "undo", label: "Undo", keys: ["ctrl+z"], enabled: () => editor.workspace.canUndo(), run: () => editor.workspace.undo() },
    { id: "redo", label: "Redo", keys: ["ctrl+shift+z", "ctrl+y"], enabled: () => editor.workspace.canRedo(), run: () => editor.workspace.redo() },
    { id: "open", label: "Open…", keys: ["ctrl+o"], whileTyping: true, enabled: live, run: () => void editor.files.pickAndOpen() },
    { id: "save", label: "Save now", keys: ["ctrl+s"], whileTyping: true, enabled: live, run: () => void editor.saveNow() },
    { id: "save-json", label: "Download workflow", keys: ["ctrl+shift+s"], yields: true, run: () => editor.files.saveWorkflow() },
    { id: "copy-json", label: "Copy workflow", run: () => void editor.files.copyWorkflow() },
    { id: "save-api", label: "Download API format", enabled: live, run: () => void editor.files.saveApi() },
    { id: "search", label: "Add a node", run: () => editor.openSearch() },
    { id: "fit", label: "Fit view", keys: ["."], run: () => view.fit() },
    { id: "zoom-in", label: "Zoom in", keys: ["alt+="], run: () => zoom(1.2) },
    { id: "zoom-out", label: "Zoom out", keys: ["alt+-"], run: () => zoom(1 / 1.2) },
    { id: "arrange", label: "Arrange nodes", run: () => view.arrange() },
    { id: "full-size", label: "Full size", keys: ["f"], yields: true, run: () => editor.toggleFullSize() },
    { id: "refresh", label: "Refresh node definitions", keys: ["r"], enabled: live, run: () => void editor.refreshDefinitions() },
    { id: "clear", label: "Clear workflow", run: () => void editor.clearWorkflow() },
    { id: "settings", label: "Settings", keys: ["ctrl+,"], run: () => editor.openSettings() },
    { id: "packs", label: "Custom node packs", run: () => editor.openSettings("packs") },
    { id: "shortcuts", label: "Keyboard shortcuts", keys: ["?"], yields: true, run: () => editor.showShortcuts() },
    { id: "copy", label: "Copy", keys: ["ctrl+c"], byEvent: true, run: () => undefined },
    { id: "cut", label: "Cut", keys: ["ctrl+x"], byEvent: true, run: () => undefined },
    { id: "paste", label: "Paste", keys: ["ctrl+v"], byEvent: true, run: () => undefined },
    { id: "paste-links", label: "Paste with connections", keys: ["ctrl+shift+v"], run: () => view.paste({ withLinks: true }) },
    { id: "select-all", label: "Select all", keys: ["ctrl+a"], run: () => view.selectAll() },
    { id: "delete", label: "Delete", keys: ["delete", "backspace"], run: () => view.removeSelected() },
    { id: "mute", label: "Mute", keys: ["ctrl+m"], enabled: selected, run: () => view.toggleMute() },
    { id: "bypass", label: "Bypass", keys: ["ctrl+b"], enabled: selected, run: () => view.toggleBypass() },
    { id: "collapse", label: "Collapse", keys: ["alt+c"], enabled: selected, run: () => view.collapse() },
    { id: "pin", label: "Pin", keys: ["p"], enabled: selected, run: () => view.pin() },
    { id: "group", label: "Group", keys: ["ctrl+g"], run: () => view.groupSelected() },
    { id: "rename", label: "Rename", keys: ["f2"], enabled: selected, run: () => view.editTitle(view.selection()[0] ?? 0) },
    { id: "mask-editor", label: "Open in MaskEditor", enabled: () => live() && editor.nodeToMask() !== null, run: () => editor.openMaskEditor() },
    { id: "subgraph", label: "Make a subgraph", keys: ["ctrl+shift+e"], enabled: selected, run: () => view.toSubgraph() },
    { id: "escape", label: "Deselect, leave the subgraph or full size", keys: ["escape"], run: () => editor.escape() },
  ];
}

// `app.extensionManager.workflow`: the one workflow that is open here, as packs ask for it.

import type { UiEditor } from "./host";

export interface OpenWorkflow {
  readonly path: string;
  readonly key: string;
  readonly filename: string;
  readonly fullFilename: string;
  readonly isModified: boolean;
  readonly isPersisted: boolean;
  readonly isTemporary: boolean;
  readonly isLoaded: boolean;
  readonly activeState: unknown;
  readonly changeTracker: { checkState(): void; undo(): Promise<void>; redo(): Promise<void>; reset(): void; readonly activeState: unknown };
}

/** Edits are saved as they are made: a workflow is never modified beside its record. */
export function workflowStore(editor: UiEditor, title: () => string) {
  const state = () => editor.view.serialize();
  const active: OpenWorkflow = {
    get path() { return `workflows/${title()}.json`; },
    get key() { return `${title()}.json`; },
    get filename() { return title(); },
    get fullFilename() { return `${title()}.json`; },
    isModified: false, isPersisted: true, isTemporary: false, isLoaded: true,
    get activeState() { return state(); },
    changeTracker: {
      checkState: () => editor.workspace.edited(),
      undo: async () => editor.workspace.undo(),
      redo: async () => editor.workspace.redo(),
      reset: () => undefined,
      get activeState() { return state(); },
    },
  };
  return { activeWorkflow: active, openWorkflows: [active], workflows: [active], persistedWorkflows: [active], modifiedWorkflows: [] as OpenWorkflow[], bookmarkedWorkflows: [] as OpenWorkflow[],
    isActive: (workflow: OpenWorkflow) => workflow === active, getWorkflowByPath: (path: string) => (path === active.path ? active : null) };
}

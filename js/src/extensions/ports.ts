// What the app needs of the editor around it.
import type { GraphViewApi, Severity } from "../graph";
import type { PromptPorts } from "./prompt";
import type { Any, ComfyExtension, NodeInfo, WorkflowJson } from "./types";

export interface AppPorts {
  api: Any;
  view: GraphViewApi;
  editor: unknown;
  prompt: PromptPorts;
  /** Registers node types with all hooks; nodes that are there follow. */
  define(definitions: Record<string, NodeInfo>): Promise<void>;
  refreshCombos(definitions: Record<string, NodeInfo>): void;
  load(document: WorkflowJson, options: { restoreView: boolean; workflow: unknown }): void;
  openFile(file: File): Promise<unknown>;
  queue(number: number, count: number, targets?: string[]): Promise<boolean>;
  registered(extension: ComfyExtension): void;
  notify(severity: Severity, summary: string, detail?: string): void;
  /** Runs a pack's callback on a node; an exception is told. */
  guard(node: Any, where: string, work: () => unknown): void;
}

// What the app needs of the editor around it.
import type { GraphViewApi, Severity } from "../graph";
import type { SubmitOptions } from "../editor/run";
import type { Host } from "../host";
import type { PromptPorts } from "./prompt";
import type { Any, ComfyExtension, NodeInfo, Prompt, WorkflowJson } from "./types";

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
  openClipspace(): void;
  notify(severity: Severity, summary: string, detail?: string): void;
  /** Runs a pack's callback on a node; an exception is told. */
  guard(node: Any, where: string, work: () => unknown): void;
}

/** The editor as the packs' side needs it. */
export interface EditorPorts {
  host: Host;
  view: GraphViewApi;
  /** The editor itself, for what is shown around the canvas. */
  whole: unknown;
  /** `object_info`, with what packs changed in it. */
  definitions: Record<string, NodeInfo>;
  defined(set: Record<string, NodeInfo>, remove: string[]): void;
  /** Packs registered node classes of their own. */
  offerOtherTypes(): void;
  convert(document: WorkflowJson, values: Record<string, Record<string, unknown>>): Promise<{ prompt: Prompt; warnings: string[] }>;
  hasBegun(): boolean;
  begin(document: WorkflowJson): void;
  /** Another workflow, as an edit. */
  load(document: WorkflowJson): void;
  /** The graph may have been changed by packs. */
  look(): void;
  openFile(file: File): Promise<unknown>;
  start(options: SubmitOptions, count: number): Promise<boolean>;
  notify(severity: Severity, summary: string, detail?: string): void;
  problem(source: string, error: unknown, pack: string | null): void;
  /** Modules changed that this window has evaluated already. */
  offerReload(): void;
}

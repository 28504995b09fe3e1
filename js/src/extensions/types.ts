// The litegraph objects as packs see them: open, with members that any pack may add or replace.
import type { NodeInfo, Point, WorkflowJson } from "../graph";

// Packs put anything on these objects.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Any = any;

/** What a pack registers; every member but the name is optional and may be missing. */
export interface ComfyExtension {
  name: string;
  [member: string]: unknown;
}

export interface RawGraph {
  graph: Any;
  canvas: Any;
  LiteGraph: Any;
  module: Record<string, Any>;
}

/** An API prompt: class type and inputs by node id. */
export type Prompt = Record<string, { class_type: string; inputs: Record<string, unknown>; _meta?: { title?: string } }>;

export interface GraphPrompt {
  workflow: WorkflowJson;
  output: Prompt;
}

export type { NodeInfo, Point, WorkflowJson };

// The answer to a queued prompt, of the server or of a pack in its place, as the editor reads it.
import type { NodeErrors, RunReply, ValidationError } from "../editor/api";

interface Answer {
  prompt_id?: unknown;
  number?: unknown;
  node_errors?: unknown;
  error?: unknown;
}

export function submission(answer: unknown): RunReply {
  const { prompt_id: id, number, node_errors: nodes, error } = (answer ?? {}) as Answer;
  const nodeErrors = (nodes ?? {}) as NodeErrors;
  if (error === undefined || error === null || error === "") return { ok: true, promptId: String(id ?? ""), number: Number(number) || 0, nodeErrors };
  return { ok: false, error: typeof error === "string" ? { type: "error", message: error } : (error as ValidationError), nodeErrors };
}

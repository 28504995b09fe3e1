// Errors of a run as sentences: what went wrong, in which node and input.

import type { ExecutionError, NodeErrors, ValidationError } from "./api";

export interface Problem {
  /** Execution id of the node ("7", "12:3"), null for a problem of the whole workflow. */
  node: string | null;
  title: string;
  message: string;
  inputs: string[];
  /** Text for those who want to know more: a traceback, the raw details. */
  details: string;
}

type TitleOf = (node: string) => string;

function quoted(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `“${text && text.length > 80 ? `${text.slice(0, 80)}…` : text}”`;
}

function sentence(error: ValidationError): string {
  const info = error.extra_info ?? {};
  const name = info.input_name ? quoted(info.input_name) : "an input";
  const config = Array.isArray(info.input_config) ? (info.input_config[1] as Record<string, unknown> | undefined) : undefined;
  switch (error.type) {
    case "required_input_missing":
      return `Input ${name} is not connected and has no value.`;
    case "value_not_in_list":
      return `${quoted(info.received_value)} is not one of the choices of ${name}.`;
    case "value_smaller_than_min":
      return `${name} is ${String(info.received_value)}, the smallest allowed value is ${String(config?.min ?? "larger")}.`;
    case "value_bigger_than_max":
      return `${name} is ${String(info.received_value)}, the largest allowed value is ${String(config?.max ?? "smaller")}.`;
    case "return_type_mismatch":
      return `Input ${name} takes ${typeText(info.input_config)} but is connected to ${String(info.received_type)}.`;
    case "invalid_input_type":
      return `${quoted(info.received_value)} cannot be read as ${typeText(info.input_config)} for ${name}.`;
    case "custom_validation_failed":
      return error.details ? `${error.message}: ${error.details}` : error.message;
    default:
      return [error.message, error.details].filter(Boolean).join(": ");
  }
}

function typeText(config: unknown): string {
  return Array.isArray(config) ? (Array.isArray(config[0]) ? "one of its choices" : String(config[0])) : "another type";
}

/** From the `node_errors` of a refused or partly refused prompt. */
export function validationProblems(errors: NodeErrors, titleOf: TitleOf): Problem[] {
  return Object.entries(errors).map(([node, { errors: list = [], class_type }]) => ({
    node,
    title: titleOf(node) || class_type || node,
    message: list.map(sentence).join(" ") || "The node was refused.",
    inputs: list.flatMap((error) => (error.extra_info?.input_name ? [error.extra_info.input_name] : [])),
    details: list.map((error) => [error.type, error.message, error.details].filter(Boolean).join("\n")).join("\n\n"),
  }));
}

export function executionProblem(error: ExecutionError, titleOf: TitleOf): Problem {
  const node = error.node_id == null ? null : String(error.node_id);
  const type = error.exception_type?.split(".").at(-1) ?? "";
  const message = (error.exception_message ?? "").trim() || "The node failed without saying why.";
  const trace = (error.traceback ?? []).join("").trim();
  const hidden = ["", "Exception", "RuntimeError", "ValueError", "ExecutionBlocked"].includes(type);
  return {
    node,
    title: node === null ? "Workflow" : [titleOf(node) || error.node_type || node, node.includes(":") && error.node_type].filter(Boolean).join(" › "),
    message: hidden ? message : `${type}: ${message}`,
    inputs: [],
    details: trace ? `${trace}\n${error.exception_type ?? "Exception"}: ${message}` : "",
  };
}

export function workflowProblem(error: ValidationError): Problem {
  const message = { prompt_no_outputs: "The workflow has no output node: add one, such as Preview Image or Save Image." }[error.type];
  const node = error.extra_info?.node_id;
  return {
    node: typeof node === "string" || typeof node === "number" ? String(node) : null,
    title: typeof error.extra_info?.node_title === "string" ? error.extra_info.node_title : "Workflow",
    message: message ?? error.message,
    inputs: [],
    details: error.details && error.details !== error.message ? error.details : "",
  };
}

/** What `results.errors` of an editor holds for one node: `errors` of a refusal, or message, type and traceback of a failure. */
export interface StoredError {
  message?: string;
  type?: string;
  traceback?: string[];
  errors?: ValidationError[];
}

export function storedProblem(node: string, stored: StoredError, titleOf: TitleOf): Problem {
  if (stored.errors) return validationProblems({ [node]: { errors: stored.errors } }, titleOf)[0] as Problem;
  const { message = "", type = "", traceback = [] } = stored;
  return executionProblem({ node_id: node, exception_message: message, exception_type: type, traceback }, titleOf);
}

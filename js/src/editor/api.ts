// The routes of the server that the editor uses (docs/architecture.md 1.2 and ComfyUI's own), typed.

import type { FileRef, NodeInfo } from "../graph";
import type { Host, HostRequest } from "../host";
import type { Document, Patch } from "./patch";
import type { StoredError } from "./problems";
import { PatchConflict } from "./sync";

/** One problem of one input, as `POST /prompt` reports it. */
export interface ValidationError {
  type: string;
  message: string;
  details?: string;
  extra_info?: { input_name?: string; [key: string]: unknown };
}

export interface NodeErrors {
  [node: string]: { errors: ValidationError[]; dependent_outputs?: string[]; class_type?: string };
}

export interface ExecutionError {
  prompt_id?: string;
  node_id?: string | null;
  node_type?: string | null;
  exception_message: string;
  exception_type?: string;
  traceback?: string[];
  current_inputs?: Record<string, unknown>;
}

/** Something the kernel wants the person to know. */
export interface Notice {
  severity?: string;
  summary?: string;
  detail?: string;
}

export interface EditorInfo {
  id: string;
  title?: string | null;
  path?: string | null;
  rev: number;
  notices?: Notice[];
  results?: {
    outputs?: Record<string, Record<string, unknown>>;
    errors?: Record<string, StoredError>;
    stale?: string[];
    run?: { prompt_id: string; state: string; node?: string | null; progress?: Record<string, Record<string, unknown>> } | null;
  };
}

export type RunReply =
  | { ok: true; promptId: string; number: number; nodeErrors: NodeErrors }
  | { ok: false; error: ValidationError; nodeErrors: NodeErrors };

/** The server answered with an error status; the message is what it said. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

async function errorOf(response: Response): Promise<ServerError> {
  const text = await response.text().catch(() => "");
  let message = text.trim();
  try {
    const body: unknown = JSON.parse(text);
    const error = (body as { error?: unknown }).error;
    message = typeof error === "string" ? error : String((error as { message?: unknown } | undefined)?.message ?? text);
  } catch {
    // Not JSON: the text itself is the message.
  }
  return new ServerError(message || `The server answered ${response.status}.`, response.status);
}

const SETTINGS = "/settings/comfy_notebook.editor";

export class KernelApi {
  constructor(private readonly host: Host) {}

  private async call(path: string, options: HostRequest = {}): Promise<Response> {
    const response = await this.host.request(path, options);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  private post(path: string, body: unknown, options: HostRequest = {}): Promise<Response> {
    return this.host.request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...options,
    });
  }

  private get editor(): string {
    return `/cn/editors/${encodeURIComponent(this.host.editorId)}`;
  }

  async objectInfo(): Promise<Record<string, NodeInfo>> {
    return (await this.call("/object_info", { timeout: 0 })).json();
  }

  async info(): Promise<EditorInfo> {
    return (await this.call(this.editor)).json();
  }

  async document(): Promise<{ rev: number; document: Document }> {
    return (await this.call(`${this.editor}/document`)).json();
  }

  /** Raises PatchConflict when the patch does not apply to the kernel's document. */
  async patch(base: number, patch: Patch): Promise<{ rev: number }> {
    const response = await this.post(`${this.editor}/patch`, { view: this.host.viewId, base, patch });
    if (response.status === 409 || response.status === 400) throw new PatchConflict((await errorOf(response)).message);
    if (!response.ok) throw await errorOf(response);
    return response.json();
  }

  async run(options: { front?: boolean; targets?: string[]; values?: Record<string, Record<string, unknown>> }): Promise<RunReply> {
    const response = await this.post(`${this.editor}/run`, { view: this.host.viewId, ...options }, { timeout: 0 });
    const text = await response.text();
    let body: { prompt_id?: string; number?: number; node_errors?: NodeErrors; error?: ValidationError | string };
    try {
      body = JSON.parse(text);
    } catch {
      throw new ServerError(text.trim() || `The server answered ${response.status}.`, response.status);
    }
    const nodeErrors = body.node_errors ?? {};
    if (response.ok && body.prompt_id) return { ok: true, promptId: body.prompt_id, number: body.number ?? 0, nodeErrors };
    const error = typeof body.error === "string" ? { type: "error", message: body.error } : body.error;
    return { ok: false, error: error ?? { type: "error", message: `The server answered ${response.status}.` }, nodeErrors };
  }

  /** The prompt of a document as a view shows it; `values` by node and widget are what only the browser knows. */
  async convert(document: unknown, values: Record<string, Record<string, unknown>>): Promise<{ prompt: Record<string, never>; warnings: string[] }> {
    const response = await this.post(`${this.editor}/convert`, { document, values }, { timeout: 0 });
    if (!response.ok) throw await errorOf(response);
    return response.json();
  }

  /** Stop what runs; with an id that prompt, also while it waits. */
  async interrupt(promptId?: string): Promise<void> {
    await (promptId ? this.post("/jobs/cancel", { job_ids: [promptId] }) : this.post("/interrupt", {}));
  }

  async clearQueue(): Promise<void> {
    await this.post("/queue", { clear: true });
  }

  async open(name: string, body: Blob | string): Promise<{ rev: number; warnings: string[] }> {
    const type = typeof body === "string" ? "application/json" : body.type || "application/octet-stream";
    const path = `${this.editor}/open?name=${encodeURIComponent(name)}`;
    const response = await this.call(path, { method: "POST", body, headers: { "content-type": type }, timeout: 0 });
    const reply = (await response.json()) as { rev: number; warnings?: string[] };
    return { rev: reply.rev, warnings: reply.warnings ?? [] };
  }

  async export(format: "ui" | "api"): Promise<string> {
    return (await this.call(`${this.editor}/export?format=${format}`)).text();
  }

  async upload(file: File, options: { type?: string; subfolder?: string; overwrite?: boolean; onProgress?: HostRequest["onProgress"] }) {
    const form = new FormData();
    form.append("image", file, file.name);
    if (options.type) form.append("type", options.type);
    if (options.subfolder) form.append("subfolder", options.subfolder);
    if (options.overwrite) form.append("overwrite", "true");
    const response = await this.call("/upload/image", {
      method: "POST", body: form, timeout: 0, ...(options.onProgress && { onProgress: options.onProgress }),
    });
    return (await response.json()) as { name: string; subfolder: string; type: string };
  }

  /** A new file of the input folder: the original's colours with the mask's alpha channel. */
  async uploadMask(mask: Blob, name: string, original: FileRef): Promise<FileRef> {
    const form = new FormData();
    form.append("image", mask, name);
    form.append("original_ref", JSON.stringify({ filename: original.filename, subfolder: original.subfolder ?? "", type: original.type ?? "input" }));
    form.append("type", "input");
    form.append("subfolder", "clipspace");
    const stored = (await (await this.call("/upload/mask", { method: "POST", body: form, timeout: 0 })).json()) as { name: string; subfolder: string; type: string };
    return { filename: stored.name, subfolder: stored.subfolder, type: stored.type };
  }

  async view(query: URLSearchParams): Promise<Blob> {
    return (await this.call(`/view?${query}`, { timeout: 0 })).blob();
  }

  /** What the person set about the editor; null where nothing is kept. */
  async settings(): Promise<unknown> {
    return (await this.call(SETTINGS)).json();
  }

  async saveSettings(settings: unknown): Promise<void> {
    const response = await this.post(SETTINGS, settings);
    if (!response.ok) throw await errorOf(response);
  }

  async json(path: string): Promise<unknown> {
    return (await this.call(path)).json();
  }
}

// `api`, as packs know it: the server's routes as methods, and the kernel's messages as events. It goes through `fetch`,
// which network/ joins to the kernel, and every member is looked up when it is used, because packs replace them.

import type { Host } from "../host";
import { socketEvents } from "./socket-events";

type Json = Record<string, unknown>;
type Listener = EventListenerOrEventListenerObject | null;

/** What `POST /prompt` says when it refuses. */
export interface PromptRefusal {
  error?: string | { message?: string; details?: string };
  node_errors?: Record<string, { class_type?: string; errors?: { message: string; details?: string }[] }>;
}

export class PromptExecutionError extends Error {
  constructor(readonly response: PromptRefusal) {
    super("Prompt execution failed");
  }

  override toString(): string {
    const { error, node_errors = {} } = this.response;
    const line = ({ message = "", details = "" }: { message?: string; details?: string }) => (details ? `${message}: ${details}` : message);
    const nodes = Object.values(node_errors).map(({ class_type = "", errors = [] }) => `\n${class_type}:${errors.map((one) => `\n    - ${line(one)}`).join("")}`);
    return (typeof error === "string" ? error : line(error ?? {})) + nodes.join("");
  }
}

export class ComfyApi extends EventTarget {
  api_host = location.host;
  api_base = "";
  clientId: string;
  initialClientId: string;
  user = "";
  serverFeatureFlags: Json = {};
  private tunnel: WebSocket | null = null;
  private readonly stops: (() => void)[];

  constructor(host: Host) {
    super();
    this.clientId = this.initialClientId = host.editorId;
    this.stops = [
      host.onEvent((event) => {
        for (const [type, detail] of socketEvents(event)) this.dispatchCustomEvent(type, detail);
        if (event.type === "feature_flags") this.serverFeatureFlags = event.data as Json;
      }),
      host.onKernel((state) => this.dispatchCustomEvent(state === "lost" ? "reconnecting" : "reconnected")),
    ];
  }

  /** What the server says to a client that connects. */
  async init(): Promise<void> {
    const [features, prompt] = await Promise.all([this.fetchApi("/features"), this.fetchApi("/prompt")]);
    this.serverFeatureFlags = await features.json();
    this.dispatchCustomEvent("status", await prompt.json());
  }

  destroy(): void {
    for (const stop of this.stops.splice(0)) stop();
    this.tunnel?.close();
  }

  // Addresses and requests ------------------------------------------------------------------------------------------

  apiURL(route: string): string {
    return `${this.api_base}/api${route}`;
  }

  internalURL(route: string): string {
    return `${this.api_base}/internal${route}`;
  }

  fileURL(route: string): string {
    return this.api_base + route;
  }

  fetchApi(route: string, options: RequestInit = {}): Promise<Response> {
    const headers = new Headers(options.headers);
    headers.set("Comfy-User", this.user);
    return fetch(this.apiURL(route), { cache: "no-cache", ...options, headers });
  }

  private fetchInternal(route: string, options?: RequestInit): Promise<Response> {
    return fetch(this.internalURL(route), options);
  }

  // Events ----------------------------------------------------------------------------------------------------------

  override addEventListener(type: string, callback: Listener, options?: AddEventListenerOptions | boolean): void {
    super.addEventListener(type, callback, options);
  }

  override removeEventListener(type: string, callback: Listener, options?: EventListenerOptions | boolean): void {
    super.removeEventListener(type, callback, options);
  }

  dispatchCustomEvent(type: string, detail?: unknown): boolean {
    return this.dispatchEvent(detail === undefined ? new CustomEvent(type) : new CustomEvent(type, { detail }));
  }

  /** A websocket of its own to the server, made when somebody asks for it. */
  get socket(): WebSocket {
    return (this.tunnel ??= new WebSocket(`ws://${this.api_host}${this.api_base}/ws?clientId=${encodeURIComponent(this.clientId)}`));
  }

  // Nodes and runs --------------------------------------------------------------------------------------------------

  getExtensions(): Promise<string[]> {
    return this.json("/extensions");
  }

  getNodeDefs(): Promise<Record<string, Json>> {
    return this.json("/object_info");
  }

  getEmbeddings(): Promise<string[]> {
    return this.json("/embeddings");
  }

  /** Throws `PromptExecutionError` when the server refuses. */
  async queuePrompt(number: number, prompt: { output: unknown; workflow: unknown }, options: { partialExecutionTargets?: unknown[] } = {}): Promise<Json> {
    const { output, workflow } = prompt;
    const body: Json = { client_id: this.clientId ?? "", prompt: output, extra_data: { extra_pnginfo: { workflow } } };
    if (options.partialExecutionTargets) body["partial_execution_targets"] = options.partialExecutionTargets;
    if (number === -1) body["front"] = true;
    else if (number) body["number"] = number;
    const response = await this.fetchApi("/prompt", jsonPost(body));
    if (response.status === 200) return response.json();
    const text = await response.text();
    let refusal: PromptRefusal;
    try {
      refusal = JSON.parse(text);
    } catch {
      refusal = { error: text || `The server answered ${response.status}.` };
    }
    throw new PromptExecutionError(refusal);
  }

  async interrupt(runningPromptId?: string | null): Promise<void> {
    await this.post("/interrupt", runningPromptId ? { prompt_id: runningPromptId } : undefined);
  }

  async getItems(type: string): Promise<Json> {
    return type === "queue" ? this.getQueue() : this.getHistory();
  }

  async getQueue(): Promise<{ Running: Json[]; Pending: Json[] }> {
    const { queue_running, queue_pending } = await this.json<{ queue_running: unknown[][]; queue_pending: unknown[][] }>("/queue");
    return {
      Running: queue_running.map((prompt) => ({ taskType: "Running", prompt, remove: { name: "Cancel", cb: () => this.interrupt(String(prompt[1])) } })),
      Pending: queue_pending.map((prompt) => ({ taskType: "Pending", prompt })),
    };
  }

  async getHistory(max_items = 200): Promise<{ History: Json[] }> {
    const items = await this.json<Record<string, Json>>(`/history?max_items=${max_items}`);
    return { History: Object.values(items).map((item) => ({ ...item, taskType: "History" })) };
  }

  async deleteItem(type: string, id: string): Promise<void> {
    await this.post(`/${type}`, { delete: [id] });
  }

  async clearItems(type: string): Promise<void> {
    await this.post(`/${type}`, { clear: true });
  }

  async freeMemory(options: { freeExecutionCache?: boolean } = {}): Promise<void> {
    await this.post("/free", { unload_models: true, ...(options.freeExecutionCache && { free_memory: true }) });
  }

  // The machine, models and texts -----------------------------------------------------------------------------------

  getSystemStats(): Promise<Json> {
    return this.json("/system_stats");
  }

  getModelFolders(): Promise<{ name: string; folders: string[] }[]> {
    return this.json("/experiment/models");
  }

  async getModels(folder: string): Promise<Json[]> {
    const response = await this.fetchApi(`/experiment/models/${encodeURIComponent(folder)}`);
    return response.ok ? response.json() : [];
  }

  async viewMetadata(folder: string, model: string): Promise<Json | null> {
    const response = await this.fetchApi(`/view_metadata/${folder}?filename=${encodeURIComponent(model)}`);
    const text = response.ok ? await response.text() : "";
    return text ? JSON.parse(text) : null;
  }

  getCustomNodesI18n(): Promise<Json> {
    return this.json("/i18n");
  }

  getWorkflowTemplates(): Promise<Record<string, string[]>> {
    return this.json("/workflow_templates");
  }

  getGlobalSubgraphs(): Promise<Json> {
    return this.json("/global_subgraphs");
  }

  async getGlobalSubgraphData(id: string): Promise<string> {
    return (await this.json<{ data: string }>(`/global_subgraphs/${encodeURIComponent(id)}`)).data;
  }

  async getFolderPaths(): Promise<Json> {
    return (await this.fetchInternal("/folder_paths")).json();
  }

  async getLogs(): Promise<string> {
    return (await this.fetchInternal("/logs")).json();
  }

  async getRawLogs(): Promise<Json> {
    return (await this.fetchInternal("/logs/raw")).json();
  }

  async subscribeLogs(enabled: boolean): Promise<void> {
    await this.fetchInternal("/logs/subscribe", { ...jsonPost({ enabled, clientId: this.clientId }), method: "PATCH" });
  }

  // What the server can do ------------------------------------------------------------------------------------------

  getServerFeature<T = unknown>(name: string, otherwise?: T): T {
    const parts = name.split(".");
    const value = parts.reduce<unknown>((at, part) => (at as Json | undefined)?.[part], this.serverFeatureFlags);
    return (this.serverFeatureFlags[name] ?? value ?? otherwise) as T;
  }

  serverSupportsFeature(name: string): boolean {
    return this.getServerFeature(name) === true;
  }

  getServerFeatures(): Json {
    return { ...this.serverFeatureFlags };
  }

  getClientFeatureFlags(): Json {
    return { supports_preview_metadata: true };
  }

  // What a person keeps on the server -------------------------------------------------------------------------------

  getUserConfig(): Promise<Json> {
    return this.json("/users");
  }

  createUser(username: string): Promise<Response> {
    return this.post("/users", { username });
  }

  getSettings(): Promise<Json> {
    return this.json("/settings");
  }

  getSetting(id: string): Promise<unknown> {
    return this.json(`/settings/${encodeURIComponent(id)}`);
  }

  async storeSettings(settings: Json): Promise<void> {
    await this.post("/settings", settings);
  }

  async storeSetting(id: string, value: unknown): Promise<void> {
    await this.post(`/settings/${encodeURIComponent(id)}`, value);
  }

  getUserData(file: string, options?: RequestInit): Promise<Response> {
    return this.fetchApi(`/userdata/${encodeURIComponent(file)}`, options);
  }

  async storeUserData(
    file: string,
    data: unknown,
    options: RequestInit & { overwrite?: boolean; stringify?: boolean; throwOnError?: boolean; full_info?: boolean } = {},
  ): Promise<Response> {
    const { overwrite = true, stringify = true, throwOnError = true, full_info = false, ...init } = options;
    const body = stringify ? JSON.stringify(data) : (data as BodyInit);
    const response = await this.fetchApi(`/userdata/${encodeURIComponent(file)}?overwrite=${overwrite}&full_info=${full_info}`, { method: "POST", body, ...init });
    if (response.status !== 200 && throwOnError) throw new Error(`The file '${file}' was not stored: ${response.status} ${response.statusText}`);
    return response;
  }

  deleteUserData(file: string): Promise<Response> {
    return this.fetchApi(`/userdata/${encodeURIComponent(file)}`, { method: "DELETE" });
  }

  moveUserData(source: string, dest: string, options: { overwrite?: boolean } = {}): Promise<Response> {
    const names = [source, dest].map(encodeURIComponent).join("/move/");
    return this.fetchApi(`/userdata/${names}?overwrite=${options.overwrite === true}`, { method: "POST" });
  }

  listUserDataFullInfo(dir: string): Promise<{ path: string; size: number; modified: number }[]> {
    return this.listed(`/userdata?dir=${encodeURIComponent(dir)}&recurse=true&split=false&full_info=true`);
  }

  listUserData(dir: string, recurse = false, split = false): Promise<unknown[]> {
    return this.listed(`/userdata?dir=${encodeURIComponent(dir)}&recurse=${recurse}&split=${split}`);
  }

  /** A folder that is not there has no files. */
  private async listed<T>(route: string): Promise<T[]> {
    const response = await this.fetchApi(route);
    if (response.status === 404) return [];
    if (!response.ok) throw new Error(`The files were not listed: ${response.status} ${response.statusText}`);
    return response.json();
  }

  private async json<T>(route: string): Promise<T> {
    return (await this.fetchApi(route, { cache: "no-store" })).json();
  }

  private post(route: string, body: unknown): Promise<Response> {
    return this.fetchApi(route, jsonPost(body));
  }
}

function jsonPost(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) } as RequestInit;
}

// `fetch` for the kernel's addresses: the answer is a Response of this window, redirects are followed, nothing times out.

import type { Host } from "../../host";
import { ORIGIN } from "../loading/names";
import type { Addresses } from "./addresses";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 20;
const REASONS: Record<number, string> = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 304: "Not Modified", 400: "Bad Request",
  401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Payload Too Large",
  415: "Unsupported Media Type", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
};

export interface KernelRequest {
  method: string;
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
  signal?: AbortSignal;
  redirect?: RequestRedirect;
  onProgress?: (sent: number, total: number) => void;
}

/** Asks the kernel as a browser would ask a server. */
export async function askKernel(host: Host, path: string, request: KernelRequest): Promise<Response> {
  const { redirect = "follow", ...asked } = request;
  let [at, options] = [path, asked];
  for (let count = 0; ; count++) {
    const response = await host.request(at, { ...options, timeout: 0 });
    const target = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || !target || redirect === "manual") return ofThisWindow(response, at, count > 0);
    if (redirect === "error" || count >= MAX_REDIRECTS) throw new TypeError("Failed to fetch");
    const url = new URL(target, ORIGIN + at);
    if (url.origin !== ORIGIN) return fetch(url, { signal: asked.signal ?? null });
    at = url.pathname + url.search;
    const becomesGet = response.status === 303 || (response.status <= 302 && options.method === "POST");
    if (becomesGet) options = { ...options, method: "GET", body: undefined };
  }
}

/** The shell makes responses of the notebook's realm; `instanceof` and what JSON gives should be of this one. */
function ofThisWindow(response: Response, path: string, redirected: boolean): Response {
  const { status, headers, body } = response;
  const own = new Response(body, { status, headers: [...headers] as [string, string][], statusText: REASONS[status] ?? "" });
  Object.defineProperties(own, { url: { value: ORIGIN + path }, redirected: { value: redirected }, type: { value: "basic" } });
  return own;
}

export function bridgedFetch(host: Host, addresses: Addresses, native: typeof fetch): typeof fetch {
  return async function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const path = addresses.kernelPath(input instanceof Request ? input.url : input);
    if (path === null) return native(input, init);
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const body = request.body || init?.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    const { method, signal, redirect } = request;
    return askKernel(host, path, { method, signal, redirect, headers: Object.fromEntries(request.headers), ...(body?.length && { body }) });
  };
}

export function bridgedBeacon(ask: typeof fetch, addresses: Addresses, native: Navigator["sendBeacon"]): Navigator["sendBeacon"] {
  return (url, data) => {
    if (addresses.kernelPath(url) === null) return native(url, data);
    void ask(url, { method: "POST", body: data ?? null }).catch(() => undefined);
    return true;
  };
}

// `XMLHttpRequest` for the kernel's addresses. Others go the browser's own way, which the base class keeps.

import type { Host } from "../../host";
import { ORIGIN } from "../loading/names";
import type { Addresses } from "./addresses";
import { askKernel } from "./fetch";

type XhrClass = typeof XMLHttpRequest;

export function bridgedXhr(host: Host, addresses: Addresses, Native: XhrClass): XhrClass {
  return class XMLHttpRequest extends Native {
    private path: string | null = null;
    private method = "GET";
    private asked: Record<string, string> = {};
    private state = 0;
    private answer: Response | null = null;
    private data: unknown = null;
    private text = "";
    private control: AbortController | null = null;

    override open(method: string, url: string | URL, async = true, user?: string | null, password?: string | null): void {
      this.control?.abort();
      this.control = this.answer = this.data = null;
      this.text = "";
      this.path = addresses.kernelPath(url);
      if (this.path === null) return super.open(method, url, async, user, password);
      if (!async) throw new DOMException("The kernel can only be asked asynchronously.", "InvalidAccessError");
      this.method = method.toUpperCase();
      this.asked = {};
      this.become(1);
    }

    override setRequestHeader(name: string, value: string): void {
      if (this.path === null) return super.setRequestHeader(name, value);
      const key = name.toLowerCase();
      this.asked[key] = key in this.asked ? `${this.asked[key]}, ${value}` : value;
    }

    override send(body: Document | XMLHttpRequestBodyInit | null = null): void {
      if (this.path === null) return super.send(body);
      if (this.state !== 1 || this.control) throw new DOMException("The object's state must be OPENED.", "InvalidStateError");
      this.control = new AbortController();
      void this.exchange(this.path, body, this.control);
    }

    override abort(): void {
      if (this.path === null) return super.abort();
      const { control } = this;
      this.control = null;
      control?.abort();
      if (control) this.end("abort");
      this.state = 0;
    }

    private async exchange(path: string, body: Document | XMLHttpRequestBodyInit | null, control: AbortController): Promise<void> {
      const timer = this.timeout > 0 ? setTimeout(() => control.abort("timeout"), this.timeout) : undefined;
      this.tell("loadstart");
      try {
        const sent = await encoded(body, this.asked);
        const answer = await askKernel(host, path, {
          method: this.method, headers: this.asked, signal: control.signal, ...(sent?.length && { body: sent }),
          onProgress: (loaded, total) => this.upload.dispatchEvent(new ProgressEvent("progress", { lengthComputable: true, loaded, total })),
        });
        if (this.control !== control) return;
        if (sent) for (const type of ["load", "loadend"]) this.upload.dispatchEvent(new ProgressEvent(type));
        this.answer = answer;
        this.become(2);
        const received = await answer.arrayBuffer();
        if (this.control !== control) return;
        this.become(3);
        this.take(received, answer.headers.get("content-type") ?? "");
        this.tell("progress", received.byteLength);
        this.control = null;
        this.become(4);
        this.tell("load", received.byteLength);
        this.tell("loadend", received.byteLength);
      } catch {
        if (this.control !== control) return; // aborted, and told so
        this.control = null;
        this.end(control.signal.reason === "timeout" ? "timeout" : "error");
      } finally {
        clearTimeout(timer);
      }
    }

    private take(bytes: ArrayBuffer, type: string): void {
      if (this.responseType === "arraybuffer") this.data = bytes;
      else if (this.responseType === "blob") this.data = new Blob([bytes], { type });
      else {
        this.text = new TextDecoder(/charset=["']?([\w-]+)/i.exec(type)?.[1] ?? "utf-8").decode(bytes);
        if (this.responseType === "json") this.data = parsed(this.text);
        else if (this.responseType === "document") this.data = new DOMParser().parseFromString(this.text, type.includes("xml") ? "text/xml" : "text/html");
        else this.data = this.text;
      }
    }

    private end(how: "abort" | "error" | "timeout"): void {
      this.answer = null;
      this.data = this.responseType === "" || this.responseType === "text" ? "" : null;
      this.text = "";
      this.become(4);
      this.tell(how);
      this.tell("loadend");
    }

    private become(state: number): void {
      this.state = state;
      this.dispatchEvent(new Event("readystatechange"));
    }

    private tell(type: string, loaded = 0): void {
      this.dispatchEvent(new ProgressEvent(type, { lengthComputable: loaded > 0, loaded, total: loaded }));
    }

    override get readyState(): number {
      return this.path === null ? super.readyState : this.state;
    }

    override get status(): number {
      return this.path === null ? super.status : (this.answer?.status ?? 0);
    }

    override get statusText(): string {
      return this.path === null ? super.statusText : (this.answer?.statusText ?? "");
    }

    override get responseURL(): string {
      return this.path === null ? super.responseURL : this.answer ? this.answer.url || ORIGIN + this.path : "";
    }

    override get response(): unknown {
      return this.path === null ? super.response : this.data;
    }

    override get responseText(): string {
      if (this.path === null) return super.responseText;
      if (this.responseType !== "" && this.responseType !== "text") throw new DOMException("The response is no text.", "InvalidStateError");
      return this.text;
    }

    override get responseXML(): Document | null {
      if (this.path === null) return super.responseXML;
      return this.data instanceof Document ? this.data : this.text && this.responseType === "" ? new DOMParser().parseFromString(this.text, "text/xml") : null;
    }

    override getResponseHeader(name: string): string | null {
      return this.path === null ? super.getResponseHeader(name) : (this.answer?.headers.get(name) ?? null);
    }

    override getAllResponseHeaders(): string {
      if (this.path === null) return super.getAllResponseHeaders();
      return [...(this.answer?.headers ?? [])].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    }
  };
}

/** The body as bytes; its type goes into `headers` unless one is there. */
async function encoded(body: Document | XMLHttpRequestBodyInit | null, headers: Record<string, string>): Promise<Uint8Array | undefined> {
  if (body === null || body === undefined) return undefined;
  const response = new Response(body instanceof Document ? new XMLSerializer().serializeToString(body) : body);
  const type = response.headers.get("content-type");
  if (type && !headers["content-type"]) headers["content-type"] = type;
  return new Uint8Array(await response.arrayBuffer());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

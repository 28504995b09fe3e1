// `app.extensionManager.toast`: messages of packs among the editor's own. Their text is text.

import type { Severity } from "../../graph";
import type { Toasts } from "../../editor/feedback";
import type { ToastMessage } from "./types";

const SEVERITIES: Record<string, Severity> = { success: "success", info: "info", warn: "warning", warning: "warning", error: "error", secondary: "info", contrast: "info" };
/** How long messages stay that the short forms (`toast.success("…")`) make. */
const SHORT_MS = 4000;

type Short = string | (Partial<ToastMessage> & { description?: string; duration?: number });

export class ToastManager {
  /** What is shown, as far as packs added it. */
  readonly messagesToAdd: ToastMessage[] = [];
  private readonly shown = new Map<ToastMessage | number, () => void>();
  private count = 0;

  constructor(private readonly toasts: Toasts) {}

  /** Without `life` the message stays until somebody closes it. */
  add(message: ToastMessage): void {
    const { severity = "info", summary, detail, life, closable } = message;
    const [title, text] = summary ? [summary, detail] : [detail, ""];
    const remove = this.toasts.show(SEVERITIES[severity] ?? "info", String(title ?? ""), asText(text), { life: typeof life === "number" ? life : null, ...(closable !== undefined && typeof life === "number" && { closable }) });
    this.shown.set(message, remove);
  }

  addAlert(message: string): void {
    this.add({ severity: "warn", summary: "Alert", detail: message });
  }

  remove(message: ToastMessage): void {
    this.shown.get(message)?.();
    this.shown.delete(message);
  }

  removeAll(): void {
    for (const remove of this.shown.values()) remove();
    this.shown.clear();
  }

  success = (summary: string, options?: Short): number => this.short("success", summary, options);
  info = (summary: string, options?: Short): number => this.short("info", summary, options);
  warning = (summary: string, options?: Short): number => this.short("warn", summary, options);
  error = (summary: string, options?: Short): number => this.short("error", summary, options);
  /** Stays until `dismiss`. */
  loading = (summary: string, options?: Short): number => this.short("info", summary, options, null);

  dismiss(id: number): void {
    this.shown.get(id)?.();
    this.shown.delete(id);
  }

  private short(severity: string, summary: string, options: Short | undefined, stay: number | null = SHORT_MS): number {
    const more = typeof options === "string" ? { detail: options } : (options ?? {});
    const life = more.life ?? more.duration ?? stay;
    const id = ++this.count;
    this.shown.set(id, this.toasts.show(SEVERITIES[severity] ?? "info", summary, asText(more.detail ?? more.description), { life }));
    return id;
  }
}

function asText(detail: unknown): string {
  if (detail === undefined || detail === null) return "";
  return typeof detail === "string" ? detail : detail instanceof Error ? detail.message : JSON.stringify(detail);
}

// Files going in and out: opening workflows, saving them, images dropped, pasted and picked.

import type { FileRef, GraphViewApi, NodeId, NodeInfo, Point, Severity } from "../graph";
import { ServerError, type KernelApi } from "./api";
import { h } from "./dom";
import { filesOf, saveText, type Media } from "./media";
import { copyText } from "./problem-panel";

export interface FilePorts {
  api: KernelApi;
  media: Media;
  view: GraphViewApi;
  root: HTMLElement;
  info(type: string): NodeInfo | undefined;
  notify(severity: Severity, summary: string, detail?: string): void;
  /** The kernel's document is another one now. */
  replaced(rev: number): Promise<void>;
  flush(): Promise<void>;
  title(): string;
  /** Packs take part in opening files where there are any. */
  packs(): { handleFile(file: File): Promise<void> } | null;
}

export const WORKFLOW_FILES = ".json,.png,.webp,.avif,.flac,.mp3,.opus,.ogg,.webm,.mp4,.svg,.latent,.safetensors,.glb";

/** Null when the person cancels. */
export function pickFile(root: HTMLElement, accept: string): Promise<File | null> {
  return new Promise((resolve) => {
    const input = h("input", { type: "file", accept, class: "cn-offscreen", tabindex: "-1" });
    const finish = (file: File | null) => {
      input.remove();
      resolve(file);
    };
    input.addEventListener("change", () => finish(input.files?.[0] ?? null));
    input.addEventListener("cancel", () => finish(null));
    root.append(input);
    input.click();
  });
}

export class Files {
  private readonly progress = h("div", { class: "cn-upload", role: "status", hidden: true }, h("span", {}), h("div", {}, h("div", {})));

  private droppedAt: Point | null = null;

  constructor(private readonly ports: FilePorts) {
    ports.root.append(this.progress);
  }

  /** The name of the workflow, as its files get it. */
  get title(): string {
    return this.ports.title();
  }

  async pickAndOpen(): Promise<void> {
    const file = await pickFile(this.ports.root, WORKFLOW_FILES);
    if (file) await this.offer(file);
  }

  /** To packs first, where there are any; they hand on to `take` what they leave to us. */
  async offer(file: File, client?: Point): Promise<void> {
    this.droppedAt = client ?? null;
    const packs = this.ports.packs();
    await (packs ? packs.handleFile(file) : this.take(file));
  }

  /** A file that goes into no node: as a workflow, or as a new Load Image node. */
  async take(file: File): Promise<void> {
    const client = this.droppedAt;
    const isPicture = file.type.startsWith("image/") && client !== null;
    if (await this.open(file, isPicture)) return;
    await this.newImageNode(file, this.ports.view.toGraph(client ?? [0, 0]));
  }

  /** Replaces the document by the workflow in `file`. False when it holds none. */
  async open(file: File, quiet = false): Promise<boolean> {
    try {
      const { rev, warnings } = await this.ports.api.open(file.name, file);
      await this.ports.replaced(rev);
      this.ports.notify(warnings.length > 0 ? "warning" : "success", `Opened ${file.name}`, warnings.slice(0, 4).join(" "));
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (quiet && error instanceof ServerError && error.status === 400) return false;
      this.ports.notify("error", `${file.name} was not opened`, message);
      return true;
    }
  }

  saveWorkflow(): void {
    saveText(JSON.stringify(this.ports.view.serialize(), null, 2), `${this.ports.title()}.json`);
  }

  async copyWorkflow(): Promise<void> {
    const copied = await copyText(JSON.stringify(this.ports.view.serialize(), null, 2));
    if (copied) this.ports.notify("success", "Workflow copied", "Paste it into an editor, or into a .json file.");
    else this.ports.notify("error", "The workflow was not copied", "The browser refuses the clipboard here: download the workflow.");
  }

  async saveApi(): Promise<void> {
    try {
      await this.ports.flush();
      saveText(await this.ports.api.export("api"), `${this.ports.title()}.api.json`);
    } catch (error) {
      this.ports.notify("error", "The workflow was not exported", error instanceof Error ? error.message : String(error));
    }
  }

  async upload(file: File, options: { type?: string; subfolder?: string; overwrite?: boolean; onProgress?: (sent: number, total: number) => void }) {
    const [label, track] = this.progress.children as unknown as [HTMLElement, HTMLElement];
    label.textContent = `Uploading ${file.name}`;
    this.progress.hidden = false;
    try {
      const stored = await this.ports.api.upload(file, {
        ...options,
        onProgress: (sent, total) => {
          (track.firstElementChild as HTMLElement).style.width = `${(100 * sent) / Math.max(total, 1)}%`;
          options.onProgress?.(sent, total);
        },
      });
      this.ports.media.forget({ filename: stored.name, subfolder: stored.subfolder, type: stored.type });
      return stored;
    } finally {
      this.progress.hidden = true;
    }
  }

  /** A file dropped on the canvas: into the node under it, as a workflow, or as a new Load Image node. */
  async dropped(file: File, client: Point): Promise<void> {
    const node = this.uploadNodeAt(client);
    if (node && file.type.startsWith("image/")) return this.intoNode(file, node);
    await this.offer(file, client);
  }

  async pastedImage(file: File, client: Point): Promise<void> {
    const ids = this.ports.view.selection();
    const node = this.uploadNodes().find(({ id }) => ids.length === 1 && id === ids[0]);
    if (node) await this.intoNode(file, node);
    else await this.newImageNode(file, this.ports.view.toGraph(client));
  }

  /** The images a node shows: its last output, or the file its upload widget names. */
  imagesOf(id: NodeId, outputs: Record<string, unknown> | undefined): FileRef[] {
    const made = filesOf(outputs).filter((ref) => /\.(png|jpe?g|webp|gif|avif|bmp)$/i.test(ref.filename));
    if (made.length > 0) return made;
    const node = this.uploadNodes().find((candidate) => candidate.id === id);
    const value = node && this.ports.view.getWidget(id, node.widget);
    return typeof value === "string" && value ? [fileOfWidget(value)] : [];
  }

  loadsImages(id: NodeId): boolean {
    return this.uploadNodes().some((node) => node.id === id);
  }

  private uploadNodes(): { id: NodeId; widget: string }[] {
    return this.ports.view.describe().flatMap(({ id, type }) => {
      const info = this.ports.info(type);
      const inputs = { ...info?.input?.required, ...info?.input?.optional };
      const widget = Object.keys(inputs).find((name) => inputs[name]?.[1]?.image_upload === true);
      return widget ? [{ id, widget }] : [];
    });
  }

  private uploadNodeAt(client: Point): { id: NodeId; widget: string } | undefined {
    const [x, y] = this.ports.view.toGraph(client);
    const hit = this.ports.view.boxes().findLast((box) => x >= box.x && x <= box.x + box.w && y >= box.y - 30 && y <= box.y + box.h);
    return hit && this.uploadNodes().find(({ id }) => String(id) === String(hit.id));
  }

  private async intoNode(file: File, node: { id: NodeId; widget: string }): Promise<void> {
    try {
      const { name, subfolder } = await this.upload(file, {});
      this.ports.view.setWidget(node.id, node.widget, subfolder ? `${subfolder}/${name}` : name);
    } catch (error) {
      this.ports.notify("error", `${file.name} was not uploaded`, error instanceof Error ? error.message : String(error));
    }
  }

  private async newImageNode(file: File, pos: Point): Promise<void> {
    if (!file.type.startsWith("image/") || !this.ports.info("LoadImage")) {
      this.ports.notify("warning", `${file.name} holds no workflow`, "Drop a workflow as JSON, or an image that ComfyUI made.");
      return;
    }
    const id = this.ports.view.addNode("LoadImage", pos, { select: true });
    if (id !== null) await this.intoNode(file, { id, widget: "image" });
  }
}

/** "sub/name.png [output]" as LoadImage's widget writes it. */
export function fileOfWidget(value: string): FileRef {
  const [, path = value, type = "input"] = /^(.*?)(?:\s+\[(input|output|temp)\])?$/.exec(value) ?? [];
  const cut = path.lastIndexOf("/");
  return { filename: path.slice(cut + 1), subfolder: cut < 0 ? "" : path.slice(0, cut), type };
}

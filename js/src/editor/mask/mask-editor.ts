// Opens the mask editor on the picture of a node and gives the node what was drawn. The way there and back is the clipspace,
// as packs know it: what is copied is edited, and what was edited is pasted into the node it came from.

import { annotated, Clipspace, fileIn, type Copied, type FileRef, type GraphViewApi, type NodeId, type Severity } from "../../graph";
import type { KernelApi } from "../api";
import type { Dialogs } from "../feedback";
import type { Media } from "../media";
import { MaskDialog } from "./dialog";
import { loadPicture, maskFile } from "./picture";

export interface MaskEditorPorts {
  root: HTMLElement;
  api: KernelApi;
  media: Media;
  view: GraphViewApi;
  dialogs: Dialogs;
  storage: Pick<Storage, "getItem" | "setItem">;
  notify(severity: Severity, summary: string, detail?: string): void;
  focus(): void;
}

type ClipspaceStatics = Pick<typeof Clipspace, "clipspace" | "clipspace_return_node" | "onClipspaceEditorSave" | "onClipspaceEditorClosed">;

interface GraphNode {
  id: NodeId;
  type: string;
  title?: string;
}

export class MaskEditor {
  /** Packs' `ComfyApp`, where they replace members, once there are packs. */
  clipspace: ClipspaceStatics = Clipspace;
  private dialog: MaskDialog | null = null;

  constructor(private readonly ports: MaskEditorPorts) {}

  get isOpen(): boolean {
    return this.dialog !== null;
  }

  /** Edits the mask of the picture that a node of the shown level shows; resolves when it can be drawn on. */
  async openNode(id: NodeId): Promise<void> {
    const { view } = this.ports;
    if (!view.copyToClipspace(id)) return;
    const node = view.nodeById(id);
    if (this.clipspace.clipspace?.images?.length) this.clipspace.clipspace_return_node = node;
    await this.openClipspace();
  }

  /** Edits the mask of the picture in the clipspace; what is saved goes there, and into the node it came from. */
  async openClipspace(): Promise<void> {
    const { ports } = this;
    const copied = this.clipspace.clipspace;
    const file = copied && fileIn(copied);
    if (!file) return ports.notify("warning", "There is no picture to mask", "Choose a node that shows one.");
    const node: unknown = this.clipspace.clipspace_return_node;
    this.dialog?.close();
    this.clipspace.clipspace_return_node = node; // closing forgets it
    const dialog = new MaskDialog(file.filename, {
      root: ports.root, dialogs: ports.dialogs, storage: ports.storage,
      save: async (mask) => this.saved(copied, await ports.api.uploadMask(await maskFile(mask), `clipspace-mask-${Date.now()}.png`, file)),
      closed: () => {
        this.dialog = null;
        this.clipspace.onClipspaceEditorClosed();
        if (document.activeElement === document.body) ports.focus();
      },
    });
    this.dialog = dialog;
    try {
      const picture = await loadPicture(file, ports.api, ports.media);
      if (this.dialog === dialog) dialog.show(picture);
      else picture.release();
    } catch (error) {
      dialog.fail(error instanceof Error ? error.message : String(error));
    }
  }

  resizeBrush(larger: boolean): void {
    this.dialog?.resizeBrush(larger);
  }

  close(): void {
    this.dialog?.close();
  }

  /** The new file takes the place of the old one in the clipspace, and goes back to the node. */
  private async saved(copied: Copied, file: FileRef): Promise<void> {
    const { notify, view, media } = this.ports;
    const at = Math.max(0, Math.min(copied.selectedIndex, (copied.images?.length ?? 1) - 1));
    copied.selectedIndex = at;
    copied.images = Object.assign([...(copied.images ?? [])], { [at]: file });
    copied.imgs = Object.assign([...(copied.imgs ?? [])], { [at]: Object.assign(new Image(), { src: await media.url(file) }) });
    for (const widget of copied.widgets ?? []) if (widget.name === "image" && typeof widget.value === "string") widget.value = annotated(file);
    this.clipspace.clipspace = copied;
    const node = this.living(this.clipspace.clipspace_return_node as GraphNode | null);
    this.clipspace.clipspace_return_node = node;
    this.clipspace.onClipspaceEditorSave();
    view.tellChanges();
    if (!node || !loadsFiles(node)) notify("success", "The mask is in the clipspace", "Paste it into a Load Image node: Paste (Clipspace) in its menu.");
  }

  /** The node, or the one that took its place while the mask was drawn; null where it is gone. */
  private living(node: GraphNode | null): GraphNode | null {
    if (!node) return null;
    const all = [...this.ports.view.allNodes()] as GraphNode[];
    return all.find((one) => one === node) ?? all.find(({ id, type }) => id === node.id && type === node.type) ?? null;
  }
}

function loadsFiles(node: GraphNode): boolean {
  return "cnUpload" in node;
}

// The editor's own entries in the canvas's context menus.

import type { FileRef, GraphEvents, MenuEntry, NodeDescription, NodeId } from "../graph";
import type { Commands } from "./keyboard";
import { keyLabel } from "./keyboard";
import { icon } from "./icons";
import type { MaskEditor } from "./mask/mask-editor";
import { saveAs, type Media } from "./media";
import type { ToolboxItem } from "./selection-toolbox";

interface MenuPorts {
  images(id: NodeId): FileRef[];
  mask: Pick<MaskEditor, "openNode" | "clipspace">;
  /** Copies into the clipspace, or pastes from there. */
  clipspace(id: NodeId, what: "copy" | "paste"): void;
  loadsImages(id: NodeId): boolean;
  media: Media;
  openImages(images: FileRef[]): void;
  describe(id: NodeId): NodeDescription | undefined;
  explain(node: NodeDescription): void;
}

interface MenuEditor {
  readonly live: boolean;
  commands: Commands;
  notify(severity: "success" | "error", summary: string, detail?: string): void;
}

export function extendMenu({ items, target, id }: GraphEvents["menu"], editor: MenuEditor, ports: MenuPorts): void {
  if (target === "canvas") items.push(null, commandEntry(editor.commands, "select-all"));
  if (target !== "node" || id === undefined) return;
  const images = ports.images(id);
  if (images.length > 0) items.push(null, ...imageEntries(images, editor, ports));
  const clipspace = clipspaceEntries(id, images.length > 0, editor, ports);
  if (clipspace.length > 0) items.push(null, ...clipspace);
  const node = ports.describe(id);
  if (node) items.push(null, commandEntry(editor.commands, "run-selected"), { label: "About this node", action: () => ports.explain(node) });
}

/** The mask editor in the bar above a node that shows a picture. */
export function maskItem({ commands }: Pick<MenuEditor, "commands">): ToolboxItem[] {
  const { label, enabled, run } = commands.get("mask-editor");
  return enabled?.() ? [{ label, icon: icon("mask"), run }] : [];
}

function commandEntry(commands: Commands, id: string): MenuEntry {
  const command = commands.get(id);
  const hint = keyLabel(command.keys?.[0]);
  return { label: command.label, disabled: !(command.enabled?.() ?? true), ...(hint && { hint }), action: () => command.run() };
}

function imageEntries(images: FileRef[], editor: MenuEditor, { media, openImages }: MenuPorts): MenuEntry[] {
  const ref = images[0] as FileRef;
  const withUrl = (use: (url: string) => unknown) => () => {
    media.url(ref).then(use).catch((error: Error) => editor.notify("error", "The image could not be read", error.message));
  };
  return [
    { label: images.length > 1 ? "View images" : "View image", action: () => openImages(images) },
    { label: "Open image in a new tab", action: withUrl((url) => window.open(url, "_blank")) },
    { label: "Save image", action: withUrl((url) => saveAs(url, ref.filename)) },
    { label: "Copy image", action: withUrl(async (url) => { await copyImage(url); editor.notify("success", "Image copied"); }) },
  ];
}

/** The mask editor, and pictures from one node to another. */
function clipspaceEntries(id: NodeId, hasImages: boolean, editor: MenuEditor, { mask, clipspace, loadsImages }: MenuPorts): MenuEntry[] {
  const entries: MenuEntry[] = [];
  if (hasImages) entries.push({ label: "Open in MaskEditor", disabled: !editor.live, action: () => void mask.openNode(id) }, { label: "Copy (Clipspace)", action: () => clipspace(id, "copy") });
  if (mask.clipspace.clipspace && (hasImages || loadsImages(id))) entries.push({ label: "Paste (Clipspace)", disabled: !editor.live, action: () => clipspace(id, "paste") });
  return entries;
}

/** Clipboards take PNG only. */
async function copyImage(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a PNG of it.");
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}

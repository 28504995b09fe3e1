// The editor's own entries in the canvas's context menus.

import type { FileRef, GraphEvents, MenuEntry, NodeDescription, NodeId } from "../graph";
import type { Commands } from "./keyboard";
import { keyLabel } from "./keyboard";
import { saveAs, type Media } from "./media";

interface MenuPorts {
  images(id: NodeId): FileRef[];
  media: Media;
  openImages(images: FileRef[]): void;
  describe(id: NodeId): NodeDescription | undefined;
  explain(node: NodeDescription): void;
}

interface MenuEditor {
  commands: Commands;
  notify(severity: "success" | "error", summary: string, detail?: string): void;
}

export function extendMenu({ items, target, id }: GraphEvents["menu"], editor: MenuEditor, ports: MenuPorts): void {
  if (target === "canvas") items.push(null, commandEntry(editor.commands, "select-all"));
  if (target !== "node" || id === undefined) return;
  const images = ports.images(id);
  if (images.length > 0) items.push(null, ...imageEntries(images, editor, ports));
  const node = ports.describe(id);
  if (node) items.push(null, commandEntry(editor.commands, "run-selected"), { label: "About this node", action: () => ports.explain(node) });
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

// Context menus of nodes, slots, links, groups and the canvas, in our own list element.
import { openMenu, type MenuHandle } from "../widgets/popup";
import { openInlineEdit } from "../widgets/inline-edit";
import { replaceMethod, stockMenus } from "./canvas-methods";
import type { ViewCore } from "./core";
import { noExtraMenuOptions } from "./defined-node";
import type { Editing } from "./editing";
import { foreignEntry, isStock, tidy } from "./foreign-menu";
import { LGraphCanvas, type LGraphGroup, type LGraphNode, LLink, SubgraphNode } from "./litegraph";
import { packHooks } from "./pack-hooks";
import { NODE_COLORS } from "./theme";
import type { MenuEntry, NodeId, Point } from "./types";
import type { AnyWidget } from "./widget-classes";

export class Menus {
  #open: MenuHandle | null = null;

  constructor(readonly core: ViewCore, readonly editing: Editing) {
    replaceMethod(core.canvas, "processContextMenu", () => (node, event) => {
      const { target, id, items } = this.at(node ?? null, [event.canvasX, event.canvasY]);
      core.emit("menu", { target, id, items });
      this.show([event.clientX, event.clientY], items, node ? String(node.getTitle() ?? node.type) : undefined);
    });
    replaceMethod(core.canvas, "showLinkMenu", () => (segment, event) => {
      const items = this.link(segment as AnyWidget, [event.canvasX, event.canvasY]);
      core.emit("menu", { target: "link", items });
      this.show([event.clientX, event.clientY], items);
      return false;
    });
  }

  show(client: Point, items: (MenuEntry | null)[], title?: string): void {
    this.#open?.close();
    if (!items.length) return;
    const box = this.core.overlay.getBoundingClientRect();
    this.#open = openMenu(this.core.overlay, { x: client[0] - box.left, y: client[1] - box.top }, items, {
      title, onClose: () => this.core.focus(),
    });
  }

  at(node: LGraphNode | null, pos: Point): { target: "canvas" | "node" | "group" | "slot" | "link"; id?: string | number; items: (MenuEntry | null)[] } {
    const graph = this.core.shownGraph();
    if (node) {
      const slot = node.getSlotInPosition(pos[0], pos[1]);
      if (slot) return { target: "slot", id: node.id, items: this.slot(node, slot as AnyWidget) };
      return { target: "node", id: node.id, items: this.node(node) };
    }
    const reroute = graph.getRerouteOnPos(pos[0], pos[1], graph.reroutes.values());
    if (reroute) return { target: "link", items: [{ label: "Delete reroute", danger: true, action: () => this.edit("reroute", () => graph.removeReroute(reroute.id)) }] };
    const group = graph.getGroupOnPos(pos[0], pos[1]);
    if (group) return { target: "group", items: [...this.group(group), null, ...this.canvas(pos)] };
    return { target: "canvas", items: this.canvas(pos) };
  }

  private edit(kind: Parameters<ViewCore["changed"]>[0], work: () => void): void {
    const graph = this.core.shownGraph();
    graph.beforeChange();
    work();
    graph.afterChange();
    this.core.changed(kind);
    this.core.redraw();
  }

  node(node: LGraphNode): (MenuEntry | null)[] {
    const { core, editing } = this;
    const many = core.selectedIds().includes(node.id) && core.selectedIds().length > 1;
    const ids = many ? core.selectedIds() : [node.id];
    const items: (MenuEntry | null)[] = [];
    if (node instanceof SubgraphNode) {
      items.push({ label: "Open subgraph", action: () => core.enter(node) }, { label: "Unpack subgraph", action: () => editing.unpack(node.id) }, null);
    }
    items.push(
      { label: "Rename", hint: "double-click", action: () => this.editTitle(node) },
      this.colors(node, ids),
      { label: node.flags.collapsed ? "Expand" : "Collapse", hint: "Alt+C", action: () => editing.collapse(ids) },
      { label: node.pinned ? "Unpin" : "Pin", hint: "P", action: () => editing.pin(ids) },
      null,
      { label: "Mute", checked: node.mode === 2, hint: "Ctrl+M", action: () => editing.toggleMode(2, ids) },
      { label: "Bypass", checked: node.mode === 4, hint: "Ctrl+B", action: () => editing.toggleMode(4, ids) },
      null,
      { label: "Fit size to content", action: () => this.edit("resize", () => editing.nodes(ids).forEach((item) => item.setSize(item.computeSize()))) },
    );
    if (node.widgets?.some((widget) => widget.advanced)) {
      items.push({ label: "Show advanced inputs", checked: !!node.showAdvanced, action: () => this.edit("property", () => { node.toggleAdvanced(); }) });
    }
    if (many) {
      items.push({ label: "Align", submenu: (["left", "right", "top", "bottom"] as const).map((how) => ({ label: how, action: () => editing.align(how, ids) })) },
        { label: "Distribute", submenu: [{ label: "horizontally", action: () => editing.align("distribute-x", ids) }, { label: "vertically", action: () => editing.align("distribute-y", ids) }] });
    }
    items.push({ label: "Group", hint: "Ctrl+G", action: () => this.withSelection(node, () => editing.groupSelected()) },
      { label: "Convert to subgraph", action: () => this.withSelection(node, () => editing.toSubgraph()) });
    items.push(null, ...this.extra(node));
    items.push(null,
      { label: "Copy", hint: "Ctrl+C", action: () => this.withSelection(node, () => editing.copy()) },
      { label: "Delete", danger: true, hint: "Del", action: () => this.withSelection(node, () => editing.removeSelected()) });
    return items;
  }

  private colors(node: LGraphNode, ids: NodeId[]): MenuEntry {
    if ((LGraphCanvas as AnyWidget).onMenuNodeColors === stockMenus.colors) return { label: "Color", submenu: colorEntries((name) => this.editing.setColor(name, ids)) };
    const option = { content: "Color", has_submenu: true, callback: (...args: unknown[]) => (LGraphCanvas as AnyWidget).onMenuNodeColors(...args) };
    return foreignEntry(option, node, this.core) as MenuEntry;
  }

  private withSelection(node: LGraphNode, work: () => void): void {
    if (!node.selected) this.core.canvas.selectNodes([node]);
    work();
  }

  /** What packs add: through getExtraMenuOptions of the node, or by wrapping the canvas's own list. */
  private extra(node: LGraphNode): (MenuEntry | null)[] {
    const { canvas } = this.core;
    const asked = canvas.getNodeMenuOptions !== stockMenus.node || (node.getExtraMenuOptions && node.getExtraMenuOptions !== noExtraMenuOptions);
    const options = this.guarded(node, () => (asked ? (canvas.getNodeMenuOptions(node) as AnyWidget[]) : []));
    const offered = (packHooks()?.menuItems(node) ?? []) as AnyWidget[];
    return tidy([...options.map((option) => (isStock(option, OWN_NODE_ENTRIES) ? null : foreignEntry(option, node, this.core))),
      null, ...offered.map((option) => foreignEntry(option, node, this.core))]);
  }

  private guarded(node: LGraphNode | null, work: () => AnyWidget[] | null | undefined): AnyWidget[] {
    try {
      return work() ?? [];
    } catch (error) {
      const hooks = packHooks();
      if (hooks && node) hooks.failed("getExtraMenuOptions", node, error);
      else this.core.services.notify("warning", `A menu extension failed: ${String(error)}`);
      return [];
    }
  }

  private slot(node: LGraphNode, found: AnyWidget): (MenuEntry | null)[] {
    const slot = found.input ?? found.output;
    const linked = found.input ? found.input.link != null : !!found.output.links?.length;
    const items: (MenuEntry | null)[] = [{
      label: "Disconnect", disabled: !linked,
      action: () => this.edit("disconnect", () => (found.input ? node.disconnectInput(found.slot) : node.disconnectOutput(found.slot))),
    }];
    if (!slot.nameLocked && !slot.widget) {
      items.push({ label: "Rename", action: () => this.ask(node, String(slot.label ?? slot.name ?? ""), (text) => this.edit("property", () => { slot.label = text || undefined; })) });
    }
    if (slot.removable) {
      items.push({ label: "Remove", danger: true, action: () => this.edit("property", () => (found.input ? node.removeInput(found.slot) : node.removeOutput(found.slot))) });
    }
    return items;
  }

  private ask(node: LGraphNode, value: string, onCommit: (text: string) => void): void {
    const { x, y } = this.core.toOverlay(node.pos[0], node.pos[1]);
    openInlineEdit(this.core.overlay, { left: Math.max(x, 4), top: Math.max(y, 4), width: 200, height: 28, fontSize: 13, value, onCommit, onClose: () => this.core.focus() });
  }

  private link(segment: AnyWidget, pos: Point): (MenuEntry | null)[] {
    const graph = this.core.shownGraph();
    return [
      { label: "Add reroute", action: () => this.edit("reroute", () => graph.createReroute(pos, segment)) },
      null,
      {
        label: "Delete link", danger: true, action: () => this.edit("disconnect", () => {
          if (segment instanceof LLink) {
            const target = graph.getNodeById(segment.target_id);
            if (target) target.disconnectInput(segment.target_slot);
            else segment.disconnect(graph as never);
          } else for (const id of [...segment.linkIds]) graph.removeLink(id);
        }),
      },
    ];
  }

  private group(group: LGraphGroup): (MenuEntry | null)[] {
    const { core } = this;
    return [
      { label: "Rename group", action: () => this.editGroup(group) },
      { label: "Group color", submenu: colorEntries((name) => this.edit("color", () => { group.color = name ? NODE_COLORS[name]?.groupcolor : "#3f789e"; })) },
      { label: "Select nodes in group", action: () => { group.recomputeInsideNodes(); core.canvas.selectItems([...group.children] as never); } },
      { label: "Fit group to nodes", action: () => this.edit("group", () => { group.recomputeInsideNodes(); if (group.children.size) group.resizeTo(group.children as never, 12); }) },
      { label: "Delete group", danger: true, action: () => this.edit("group", () => core.shownGraph().remove(group)) },
    ];
  }

  private canvas(pos: Point): (MenuEntry | null)[] {
    const { core, editing } = this;
    const items: (MenuEntry | null)[] = [
      { label: "Add node…", hint: "double-click", action: () => core.emit("empty-double-click", { pos, client: this.client(pos) }) },
      { label: "Add group", action: () => editing.groupSelected("Group", pos) },
      { label: "Paste", hint: "Ctrl+V", disabled: editing.clipboardText() === null, action: () => editing.paste({ pos }) },
      null,
      { label: "Fit view", hint: ".", action: () => core.fit() },
      { label: "Arrange nodes", action: () => editing.arrange() },
    ];
    if (core.path.length) items.push(null, { label: "Leave subgraph", action: () => core.leave() });
    // packs wrap getCanvasMenuOptions or set getExtraMenuOptions on the canvas; litegraph's own entries are replaced by ours
    const asked = (core.canvas.getCanvasMenuOptions as unknown) !== stockMenus.canvas || core.canvas.getExtraMenuOptions;
    const options = this.guarded(null, () => (asked ? (core.canvas.getCanvasMenuOptions() as AnyWidget[]) : []));
    const offered = (packHooks()?.menuItems(null) ?? []) as AnyWidget[];
    const extra = tidy([...options.map((option) => (isStock(option, OWN_CANVAS_ENTRIES) ? null : foreignEntry(option, null, core))),
      null, ...offered.map((option) => foreignEntry(option, null, core))]);
    if (extra.length) items.push(null, ...extra);
    return items;
  }

  private client(pos: Point): Point {
    const box = this.core.overlay.getBoundingClientRect();
    const { x, y } = this.core.toOverlay(pos[0], pos[1]);
    return [box.left + x, box.top + y];
  }

  editTitle(node: LGraphNode): void {
    const { core } = this;
    if (core.readOnly) return;
    const scale = core.scale();
    const { x, y } = core.toOverlay(node.pos[0] + 24, node.pos[1] - 27);
    core.editing(true);
    openInlineEdit(core.overlay, {
      left: x, top: y, width: Math.max((node.size[0] - 32) * scale, 140), height: Math.max(24 * scale, 22), fontSize: Math.max(13 * scale, 12),
      value: String(node.title ?? ""), label: "Title",
      onCommit: (text) => this.editing.setTitle(node.id, text),
      onClose: () => {
        core.editing(false);
        core.focus();
      },
    });
  }

  editGroup(group: LGraphGroup): void {
    const { core } = this;
    if (core.readOnly) return;
    const { x, y } = core.toOverlay(group.pos[0] + 4, group.pos[1] + 2);
    core.editing(true);
    openInlineEdit(core.overlay, {
      left: x, top: y, width: Math.max((group.size[0] - 8) * core.scale(), 140), height: Math.max(26 * core.scale(), 24),
      fontSize: Math.max(18 * core.scale(), 12), value: group.title, label: "Group title",
      onCommit: (text) => this.edit("group", () => { group.title = text; }),
      onClose: () => {
        core.editing(false);
        core.focus();
      },
    });
  }
}

// litegraph's entries for which ours stand, by their text
const OWN_CANVAS_ENTRIES = new Set(["Add Node", "Add Group", "Convert to Subgraph 🆕", "Align", "Manage Group"]);
const OWN_NODE_ENTRIES = new Set([
  "Inputs", "Outputs", "Convert to Subgraph 🆕", "Properties", "Properties Panel", "Title", "Mode", "Resize", "Expand", "Collapse", "Hide Advanced", "Show Advanced", "Pin",
  "Unpin", "Colors", "Clone", "Align Selected To", "Distribute Nodes", "Remove",
]);

function colorEntries(set: (name: string | null) => void): MenuEntry[] {
  return [{ label: "default", action: () => set(null) }, ...Object.keys(NODE_COLORS).map((name) => ({ label: name.replace("_", " "), action: () => set(name) }))];
}

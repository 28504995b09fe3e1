// The editor around the canvas: puts the parts together, passes the kernel's events on, and takes everything down again.

import type { GraphViewApi, LinkEnd, NodeDescription, NodeId, NodeInfo, Point, Severity } from "../graph";
import type { ModuleList } from "../extensions/loading";
import type { Host, HostEvent } from "../host";
import { editorCommands } from "./actions";
import { Banner, Breadcrumb, EmptyHint } from "./banner";
import { bindClipboard } from "./clipboard";
import { NodeDefinitions } from "./definitions";
import { h } from "./dom";
import { type EditorParts, fileTitle, type StartData } from "./editor-parts";
import { Dialogs } from "./feedback";
import { Files } from "./files";
import { frame } from "./framing";
import { bindKeys, Commands, showsKeyFocus } from "./keyboard";
import type { Lightbox } from "./lightbox";
import { applyLook } from "./look";
import { extendMenu, maskItem } from "./menu-entries";
import { selectedOutputs, showNode } from "./navigation";
import { loadMessages, noticeMessage } from "./notices";
import { Outline } from "./outline";
import { PackScripts } from "./pack-scripts";
import { scriptPorts } from "./script-ports";
import type { Document, Patch } from "./patch";
import { nodeDescription, shortcutList } from "./pages";
import { followPointer } from "./pointer";
import { MaskEditor } from "./mask/mask-editor";
import { ProblemPanel } from "./problem-panel";
import { Runs } from "./run";
import { NodeSearch } from "./search";
import { PackProblems } from "./pack-problems";
import { packsPage, type PackReport } from "./packs-page";
import { SelectionToolbox } from "./selection-toolbox";
import { SettingsStore } from "./settings";
import { SettingsDialog } from "./settings-dialog";
import { Toolbar } from "./toolbar";
import { watchedView } from "./watched-view";
import { askForWidget } from "./widget-dialog";
import { Workspace } from "./workspace";

/** What the events of `cn.*` carry. */
interface EventData {
  view?: string;
  rev?: number;
  patch?: Patch;
  set?: Record<string, NodeInfo>;
  remove?: string[];
  severity?: string;
  summary?: string;
  detail?: string;
}

export class Editor {
  readonly commands = new Commands();
  readonly dialogs: Dialogs;
  readonly files: Files;
  readonly runs: Runs;
  readonly workspace: Workspace;
  readonly search: NodeSearch;
  readonly settingsDialog: SettingsDialog;
  readonly packProblems = new PackProblems();
  readonly toolbar: Toolbar;
  readonly maskEditor: MaskEditor;
  readonly toolbox: SelectionToolbox;
  /** Whether packs' scripts live in this page: then keys are theirs too. */
  sharesPage = false;
  readonly definitions: NodeDefinitions;
  private readonly problems: ProblemPanel;
  private readonly banner: Banner;
  private readonly outline: Outline;
  private readonly emptyHint: EmptyHint;
  readonly settings: SettingsStore;
  private readonly cleanups: (() => void)[] = [];
  private readonly outputs = new Map<string, Record<string, unknown>>();
  private readonly pointer: ReturnType<typeof followPointer>;
  private fullSize = false;
  readonly packs: PackScripts;
  /** What the kernel said before there was a document to lay it over. */
  private readonly early: HostEvent[] = [];

  constructor(
    readonly parts: EditorParts,
    readonly view: GraphViewApi,
    definitions: Record<string, NodeInfo>,
    private readonly start: StartData,
  ) {
    const { root, canvas, api, media, storage } = parts;
    this.dialogs = new Dialogs(root);
    this.settings = new SettingsStore(storage, start.settings, () => this.applySettings(), (settings) => void api.saveSettings(settings).catch(() => undefined));
    this.settingsDialog = new SettingsDialog(root);
    this.settingsDialog.addPages(() => [this.settings.page(), this.packsPage()]);
    this.definitions = new NodeDefinitions(definitions, { view, packs: () => this.packs, changed: () => { this.search.refresh(); this.outline.changed(); } });
    this.applySettings();
    this.workspace = new Workspace(view, api, start, {
      changed: (document) => { this.changed(document); this.packs.extensions?.graphChanged(document); },
      loaded: (report) => { for (const message of loadMessages(report)) this.notify(...message); },
      replaced: () => { this.runs.clearProblems(); this.outputs.clear(); frame(view); },
      syncState: (state) => this.toolbar.setSync(state),
    });
    this.files = new Files({
      api, media, view, root,
      info: (type) => definitions[type],
      notify: (severity, summary, detail) => this.notify(severity, summary, detail),
      replaced: (rev) => this.workspace.replaced(rev),
      flush: () => this.workspace.flush(),
      title: () => fileTitle(start.info),
      packs: () => this.packs.extensions,
    });
    this.search = new NodeSearch(root, this.definitions.index, storage, () => view.focus());
    this.problems = new ProblemPanel(canvas, {
      show: (node) => showNode(view, node),
      copied: () => this.notify("success", "Copied"),
      closed: () => view.focus(),
    });
    this.runs = new Runs({
      api, media,
      view: watchedView(view, this.outputs),
      flush: () => this.workspace.flush(),
      submit: () => {
        const { extensions } = this.packs;
        return extensions && ((options) => extensions.submit(options));
      },
      onStatus: (status) => this.toolbar.setRun(status),
      onProblems: (problems) => {
        this.problems.set(problems);
        this.toolbar.setProblems(problems.length);
        this.outline.changed();
      },
      onFailure: (summary, detail) => this.notify("error", summary, detail),
    });
    this.maskEditor = new MaskEditor({
      root, api, media, view, storage, dialogs: this.dialogs,
      notify: (severity, summary, detail) => this.notify(severity, summary, detail),
      focus: () => view.focus(),
    });
    this.commands.add(editorCommands(this));
    this.toolbox = new SelectionToolbox(canvas, view);
    this.toolbox.add(() => maskItem(this));
    this.toolbar = new Toolbar(root, this.commands, () => this.problems.toggle(), () => view.focus());
    root.prepend(this.toolbar.element);
    const top = h("div", { class: "cn-top" });
    canvas.append(top);
    this.banner = new Banner(top);
    this.emptyHint = new EmptyHint(canvas);
    this.outline = new Outline(view, (node, name) => void this.editWidget(node, name));
    canvas.before(this.outline.element);
    this.outline.changed();
    this.pointer = followPointer(canvas, (client) => this.search.isOpen || this.openSearch(client));
    this.packs = new PackScripts(scriptPorts(this, definitions));
    this.listen(new Breadcrumb(top, (depth) => view.leave(depth)));
    if (start.scripts?.modules.length || start.scripts?.importing.length) void this.openWithPacks(start.scripts);
    else {
      view.setDefinitions(definitions);
      this.workspace.begin();
      this.opened();
      this.packs.follow(start.scripts, () => this.workspace.document, fileTitle(start.info));
    }
  }

  /** The toolbar is there at once, the document when the packs' scripts can take part in showing it. */
  private async openWithPacks(list: ModuleList): Promise<void> {
    const { start } = this;
    const waiting = h("div", { class: "cn-packs-waiting", role: "status" }, "Loading custom nodes…");
    this.parts.canvas.append(waiting);
    this.setKernel(this.parts.host.kernel);
    await this.packs.open(list, start.document, fileTitle(start.info));
    waiting.remove();
  }

  /** The document is in the graph. */
  opened(): void {
    const { start, view } = this;
    this.setKernel(this.parts.host.kernel);
    this.runs.restore(start.info.results);
    for (const notice of start.info.notices ?? []) this.notify(...noticeMessage(notice));
    for (const event of this.early.splice(0)) this.handle(event);
    this.changed(view.serialize());
    frame(view);
  }

  destroy(): void {
    this.workspace.stop();
    this.packs.destroy();
    for (const cleanup of this.cleanups.reverse()) {
      try {
        cleanup();
      } catch (error) {
        console.warn("comfy_notebook: while closing the editor", error);
      }
    }
    this.maskEditor.close();
    this.toolbox.destroy();
    this.toolbar.destroy();
    this.outline.destroy();
  }

  // What commands do ------------------------------------------------------------------------------------------------

  run(options: { front?: boolean; targets?: string[] } = {}): void {
    const { extensions } = this.packs;
    if (extensions) extensions.run(options, this.toolbar.batch);
    else void this.runs.start({ count: this.toolbar.batch, ...options });
  }

  clearQueue(): void {
    this.parts.api.clearQueue().catch((error: Error) => this.notify("error", "The queue was not cleared", error.message));
  }

  async saveNow(): Promise<void> {
    await this.workspace.flush().then(
      () => this.notify("success", "Saved", "Edits are saved as you make them."),
      (error: Error) => this.notify("error", "Not saved", error.message),
    );
  }

  openSearch(client?: { x: number; y: number }, pos?: Point, from?: LinkEnd): void {
    const at = pos ?? this.view.toGraph(client ? [client.x, client.y] : this.middle());
    this.search.open({
      ...(client && { client }),
      ...(from && { filter: { type: from.type, fromInput: from.input } }),
      onPick: (type) => this.view.addNode(type, at, { select: true, ...(from && { connectFrom: from }) }),
    });
  }

  /** Of packs' settings, `page` is `pack:` and the category. */
  openSettings(page?: string): void {
    this.settingsDialog.open(page);
  }

  showShortcuts(): void {
    void this.dialogs.info("Keyboard shortcuts", shortcutList(this.commands));
  }

  toggleFullSize(): void {
    this.parts.host.setFullSize(!this.fullSize);
  }

  async refreshDefinitions(): Promise<void> {
    try {
      const fresh = await this.parts.api.objectInfo();
      this.definitions.renew(fresh);
      this.notify("success", "Node definitions refreshed");
    } catch (error) {
      this.notify("error", "Node definitions were not refreshed", error instanceof Error ? error.message : String(error));
    }
  }

  async clearWorkflow(): Promise<void> {
    const sure = await this.dialogs.confirm({ title: "Clear the workflow?", text: "All nodes are removed. Undo brings them back.", confirm: "Clear", danger: true });
    if (!sure) return;
    this.workspace.replace({ ...this.view.serialize(), nodes: [], links: [], groups: [] });
  }

  selectedOutputs(): string[] {
    return selectedOutputs(this.view, this.definitions.info);
  }

  /** The one node that is selected, when it shows a picture. */
  nodeToMask(): NodeId | null {
    const [id, ...more] = this.view.selection();
    return id !== undefined && more.length === 0 && this.menuPorts().images(id).length > 0 ? id : null;
  }

  openMaskEditor(): void {
    const id = this.nodeToMask();
    if (id !== null) void this.maskEditor.openNode(id);
  }

  escape(): void {
    if (this.view.selection().length > 0) this.view.select([]);
    else if (this.view.level().length > 1) this.view.leave();
    else if (this.fullSize) this.toggleFullSize();
  }

  get live(): boolean {
    return this.parts.host.kernel !== "lost";
  }

  notify(severity: Severity, summary: string, detail = ""): void {
    this.parts.toasts.show(severity, summary, detail);
  }

  // The kernel's events ---------------------------------------------------------------------------------------------

  handle(event: HostEvent): void {
    if (!this.workspace.hasBegun) {
      const { set, remove } = (event.data ?? {}) as EventData;
      if (event.type === "cn.nodes_changed") this.packs.learn(set ?? {}, remove ?? []);
      return void this.early.push(event);
    }
    this.packs.handle(event, () => this.workspace.document, fileTitle(this.start.info));
    const data = (event.data ?? {}) as EventData;
    switch (event.type) {
      case "cn.document":
        if (data.view !== this.parts.host.viewId) this.workspace.remote(Number(data.rev), data.patch ?? {});
        return;
      case "cn.document_reset":
        this.workspace.replaced(Number(data.rev)).catch((error: Error) => this.notify("error", "The new workflow could not be shown", error.message));
        return;
      case "cn.nodes_changed":
        return this.definitions.update(data.set ?? {}, data.remove ?? []);
      case "cn.notice":
        return this.notify(...noticeMessage(data));
      case "cn.closed":
        return this.showDead("This editor was closed. Run its cell again to get it back.");
      default:
        this.runs.handle(event);
    }
  }

  private setKernel(state: Host["kernel"]): void {
    this.workspace.setOnline(state !== "lost");
    this.view.setReadOnly(state === "lost" || !this.workspace.hasBegun); // what nobody keeps should not be edited
    if (state === "lost") {
      this.runs.lost();
      this.showDead("The kernel restarted or is gone. Run the cell again to go on with this graph.");
    } else this.banner.hide();
    this.toolbar.refresh();
  }

  private showDead(text: string): void {
    const command = (id: string) => ({ label: this.commands.get(id).label, run: () => this.commands.run(id) });
    this.banner.show(text, [command("copy-json"), command("save-json")]);
  }

  /** A window evaluates a script once: only a new one takes its new version. The shell builds the editor anew in an emptied frame. */
  offerReload(): void {
    const reload = () => void this.workspace.flush().catch(() => undefined).then(() => location.replace("about:blank"));
    this.banner.show("Scripts of custom nodes changed.", [{ label: "Reload the editor", run: reload }, { label: "Later", run: () => this.banner.hide() }]);
  }

  private changed(document: Document): void {
    this.emptyHint.show(this.view.level().length < 2 && (document.nodes as unknown[]).length === 0);
    this.outline.changed();
    this.toolbar.refresh();
    this.toolbox.refresh();
  }

  // Wiring ----------------------------------------------------------------------------------------------------------

  private listen(breadcrumb: Breadcrumb): void {
    const { view, parts } = this;
    const { root, host } = parts;
    this.cleanups.push(
      view.on("change", () => this.workspace.edited()),
      view.on("selection", () => this.toolbar.refresh()),
      view.on("level", ({ path }) => { breadcrumb.show(path); this.outline.changed(); }),
      view.on("empty-double-click", ({ pos, client }) => this.openSearch({ x: client[0], y: client[1] }, pos)),
      view.on("empty-release", ({ pos, client, from }) => this.openSearch({ x: client[0], y: client[1] }, pos, from)),
      view.on("image-open", ({ images, index }) => parts.lightbox.open(images, index)),
      view.on("menu", (menu) => extendMenu(menu, this, this.menuPorts())),
      host.onKernel((state) => this.setKernel(state)),
      host.onTheme(() => this.applySettings()),
      host.onFullSize((on) => { this.fullSize = on; this.toolbar.setFullSize(on); view.resize(); }),
      bindKeys(root, this.commands, (event) => this.keysElsewhere(event), () => this.sharesPage),
      bindClipboard({ root, view, files: this.files, pointer: () => this.pointer.at() }),
      this.packProblems.onAdded(() => this.toolbar.setPackErrors(this.packProblems.all.length)),
      showsKeyFocus(root),
      this.pointer.stop,
    );
  }

  private menuPorts() {
    return {
      images: (id: NodeId) => this.files.imagesOf(id, this.outputs.get(String(id))),
      mask: this.maskEditor,
      clipspace: (id: NodeId, what: "copy" | "paste") => void (what === "copy" ? this.view.copyToClipspace(id) : this.view.pasteFromClipspace(id)),
      loadsImages: (id: NodeId) => this.files.loadsImages(id),
      media: this.parts.media,
      openImages: (images: Parameters<Lightbox["open"]>[0]) => this.parts.lightbox.open(images, 0),
      describe: (id: NodeId) => this.view.describe().find((node) => String(node.id) === String(id)),
      explain: (node: NodeDescription) => void this.dialogs.info(node.title, nodeDescription(node, this.definitions.info[node.type])),
    };
  }

  /** Dialogs, menus and search have keys of their own. */
  private keysElsewhere(event: KeyboardEvent): boolean {
    const within = (selector: string) => !!(event.target as Element).closest?.(selector);
    return this.dialogs.isOpen || this.settingsDialog.isOpen || this.parts.lightbox.isOpen || this.maskEditor.isOpen || this.search.isOpen || within(".cn-popover")
      || (event.key === "Escape" && within("[data-closes]"));
  }

  private packsPage() {
    return packsPage({
      fetch: async () => (await this.parts.api.json("/cn/packs")) as PackReport[],
      problems: this.packProblems,
      copied: () => this.notify("success", "Copied"),
    });
  }

  private async editWidget(node: NodeDescription, name: string): Promise<void> {
    const answer = await askForWidget(this.dialogs, node, name);
    if (answer === null) return;
    if ("problem" in answer) this.notify("warning", answer.problem);
    else this.view.setWidget(node.id, name, answer.value);
  }

  private applySettings(): void {
    applyLook(this.parts.root, this.view, this.parts.host.theme, this.settings.values);
  }

  private middle(): Point {
    const box = this.parts.canvas.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }
}


// The packs' JavaScript in one editor: its start in the documented order, what comes later, and its part in loading and queueing.
import type { PackHooks, WorkflowJson } from "../graph";
import type { RunReply } from "../editor/api";
import type { Editor } from "../editor/editor";
import type { SubmitOptions } from "../editor/run";
import { ComfyApp } from "./app";
import { ClipspaceDialog } from "./clipspace-dialog";
import { ComfyApi, PromptExecutionError, type PromptRefusal } from "./api";
import { exposeGlobals } from "./globals";
import { isPromise } from "./hooks";
import { keepLooking } from "./looking";
import { installNetwork } from "./network";
import { ModuleLoader, type LoadReport, type ModuleList } from "./loading";
import type { EditorPorts } from "./ports";
import { LeadWriter } from "./leads";
import { packOfError } from "./pack-of-error";
import { submission } from "./submission";
import type { Any, ComfyExtension, NodeInfo } from "./types";
import { createExtensionManager, createMenu, createUi, destroyUi, registerExtensionUi, type ExtensionStatics, type UiApp } from "./ui";
import { ComfyWidgets, makersOfPacks } from "./widgets";

const LATE_MS = 3000;

export class Extensions {
  readonly app: ComfyApp;
  readonly api: ComfyApi;
  private readonly loader: ModuleLoader;
  private readonly leads: LeadWriter;
  private readonly stops: (() => void)[] = [];
  private defining: Promise<void> = Promise.resolve();
  /** Registered after the start; their hooks run soon. */
  private late: ComfyExtension[] = [];
  private evaluated = false;
  private started = false;
  private opening: WorkflowJson | null = null;
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly editor: EditorPorts, private readonly window: Window & typeof globalThis) {
    this.loader = new ModuleLoader(editor.host, window);
    installNetwork(editor.host, window, (name) => this.loader.scriptUrl(name));
    this.api = new ComfyApi(editor.host);
    const { view } = editor;
    this.leads = new LeadWriter((view.raw as Any).graph, (type) => view.knownType(type));
    this.app = new ComfyApp({
      api: this.api, view, editor: editor.whole,
      prompt: {
        view,
        convert: (document, values) => editor.convert(document, values),
        failed: (where, node, error) => this.failedOn(where, node, error),
        warn: (warnings) => editor.notify("warning", "The workflow was run with a reservation", warnings.slice(0, 4).join(" ")),
      },
      define: (definitions) => this.define(definitions, []),
      refreshCombos: (definitions) => this.refreshCombos(definitions),
      load: (document, options) => this.load(document, options),
      openFile: (file) => editor.openFile(file),
      queue: (number, count, targets) => this.queue(number, count, targets),
      registered: (extension) => this.registered(extension),
      openClipspace: () => ClipspaceDialog.open(),
      notify: (severity, summary, detail) => editor.notify(severity, summary, detail),
      guard: (node, where, work) => this.guard(node, where, work),
    }, (extension, where, error) => this.report(`${extension}: ${where}`, error));
  }

  // The start -------------------------------------------------------------------------------------------------------

  /** Loads the modules and runs the hooks up to the document; `begin` puts that into the graph. */
  async start(list: ModuleList): Promise<void> {
    const { app, editor } = this;
    const uiApp = app as unknown as UiApp;
    app.ui = createUi(uiApp);
    app.menu = createMenu(uiApp);
    app.extensionManager = createExtensionManager(uiApp);
    this.joinMaskEditor();
    this.stops.push(() => destroyUi(uiApp), exposeGlobals(this.window, app, this.api, editor));
    await app.ui.settings.load(); // settings tell their value when they are declared
    this.tell(await this.loader.load(list));
    this.evaluated = true;
    for (const extension of app.extensions) this.showUi(extension);
    editor.view.rebindEvents();
    editor.view.setPackHooks(this.graphHooks());
    this.stops.push(() => editor.view.setPackHooks(null), editor.view.onNodeCreated((node) => void app.hooks.call("nodeCreated", [node])));
    void this.api.init().catch(() => undefined);
    await this.prepare(app.extensions);
  }

  /** The mask editor as packs open it, and as it calls what they replaced on `ComfyApp`. */
  private joinMaskEditor(): void {
    const { maskEditor } = this.editor.whole as Editor;
    maskEditor.clipspace = ComfyApp;
    ComfyApp.open_maskeditor = () => void maskEditor.openClipspace();
    ComfyApp.maskeditor_is_opended = () => maskEditor.isOpen;
    ComfyApp.clipspace_invalidate_handler ??= () => ClipspaceDialog.invalidate();
  }

  /** The hooks that run before there are nodes, for extensions that have not had them. */
  private async prepare(extensions: readonly ComfyExtension[]): Promise<void> {
    const { hooks } = this.app;
    const { definitions } = this.editor;
    const only = [...extensions];
    await hooks.settle("init", [], only);
    await hooks.settle("addCustomNodeDefs", [definitions], only);
    await this.takeWidgets(only);
    await this.define(definitions, [], only);
    await hooks.settle("beforeRegisterVueAppNodeDefs", [Object.values(definitions)], only);
    await hooks.settle("registerCustomNodes", [], only);
    this.editor.view.adoptTypes();
    this.editor.offerOtherTypes();
  }

  private async takeWidgets(extensions: readonly ComfyExtension[]): Promise<void> {
    for (const { extension, answer } of this.app.hooks.call("getCustomWidgets", [], extensions)) {
      const makers = isPromise(answer) ? await answer.catch(() => null) : answer;
      if (makers && typeof makers === "object") Object.assign(ComfyWidgets, makers);
      else if (makers) this.report(`${extension.name}: getCustomWidgets`, new Error("no object of widget makers was returned"));
    }
  }

  /** Puts the document into the graph; on an editor that shows one already, its nodes are made anew. */
  async begin(document: WorkflowJson, title: string): Promise<void> {
    const { editor, app } = this;
    if (editor.hasBegun()) editor.view.remake();
    else {
      this.opening = document;
      try {
        await app.loadGraphData(structuredClone(document), true, true, title);
      } catch (error) {
        this.report("loadGraphData", error);
      }
      this.opening = null;
      if (!editor.hasBegun()) editor.begin(document);
    }
    if (Object.keys(app.nodeOutputs).length > 0) app.hooks.call("onNodeOutputsUpdated", [app.nodeOutputs]);
    await app.hooks.settle("setup", [], [...app.extensions].filter((extension) => !this.late.includes(extension)));
    this.started = true;
    this.leads.forget();
    editor.look();
    this.stops.push(keepLooking(this.window, () => editor.look()));
    if (this.late.length > 0) await this.join();
  }

  private load(document: WorkflowJson, { restoreView = true }: { restoreView?: boolean }): void {
    const { editor } = this;
    if (editor.hasBegun()) editor.load(document);
    else if (this.opening) editor.begin(document);
    else return; // the editor's own workflow is still to come
    if (!restoreView) editor.view.fit();
  }

  // What comes later ------------------------------------------------------------------------------------------------

  private registered(extension: ComfyExtension): void {
    // settings call back at once, which modules expect only when they have come to their end
    if (this.evaluated) this.showUi(extension);
    if (!this.started) return;
    this.late.push(extension);
    if (this.late.length === 1) setTimeout(() => void this.join(), 50);
  }

  private showUi(extension: ComfyExtension): void {
    try {
      registerExtensionUi(this.app as unknown as UiApp, extension as unknown as ExtensionStatics);
    } catch (error) {
      this.report(`${extension.name}: registration`, error);
    }
  }

  /** Extensions that were registered after the start get the hooks that they missed. */
  private async join(): Promise<void> {
    const extensions = this.late.splice(0);
    if (extensions.length === 0) return;
    await this.prepare(extensions);
    this.editor.view.remake();
    await this.app.hooks.settle("setup", [], extensions);
  }

  /** The kernel has other packs or other modules than before, or may have. */
  lookForModules(delay = 300): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => void this.takeNewModules(), delay);
  }

  private async takeNewModules(): Promise<void> {
    const list = await this.loader.list().catch(() => null);
    if (!list) return;
    if (this.loader.outdated(list).length > 0) this.editor.offerReload();
    const report = await this.loader.load(list);
    this.tell(report);
    if (list.importing.length > 0) this.lookForModules(LATE_MS);
  }

  /** Node types of packs, after the scripts that came with them. */
  async adopt(set: Record<string, NodeInfo>, remove: string[]): Promise<void> {
    if (this.started) {
      await this.takeNewModules();
      await this.join();
    }
    await this.define(set, remove);
  }

  /** Registers node types with the hooks of all extensions; one call after the other. */
  define(set: Record<string, NodeInfo>, remove: string[], only?: readonly ComfyExtension[]): Promise<void> {
    const { view } = this.editor;
    const work = this.defining.then(async () => {
      const makers = makersOfPacks();
      view.addWidgetTypes(Object.fromEntries(Object.keys(makers).map((type) => [type, (node, name, spec) => ComfyWidgets[type]?.(node, name, spec, this.app)])));
      // classes that are there keep what the others made of them; those that come late are called on them
      if (only && this.started) for (const [Class, info] of view.nodeClasses()) await this.app.hooks.settle("beforeRegisterNodeDef", [Class, info], only);
      else await view.updateDefinitionsSlowly(set, remove, (Class, info) => this.app.hooks.settle("beforeRegisterNodeDef", [Class, info]));
      if (!(only && this.started)) this.editor.defined(set, remove);
    });
    this.defining = work.catch((error: unknown) => this.report("node types", error));
    return this.defining;
  }

  private refreshCombos(definitions: Record<string, NodeInfo>): void {
    for (const node of this.editor.view.allNodes() as Iterable<Any>) this.guard(node, "refreshComboInNode", () => node.refreshComboInNode?.(definitions));
  }

  // The graph's life ------------------------------------------------------------------------------------------------

  private graphHooks(): PackHooks {
    const { app } = this;
    return {
      beforeLoad: (document, missing) => {
        app.configuringGraph = true;
        app.hooks.call("beforeConfigureGraph", [document, missing]);
      },
      nodeLoaded: (node) => void app.hooks.call("loadedGraphNode", [node]),
      afterLoad: (missing) => {
        app.configuringGraph = false;
        app.hooks.call("afterConfigureGraph", [missing]);
        this.leads.forget();
      },
      failed: (where, node, error) => this.failedOn(where, node, error),
      outputs: (id, ui) => {
        if (ui) app.nodeOutputs[id] = ui;
        else delete app.nodeOutputs[id];
      },
      menuItems: (node) => (node ? app.collectNodeMenuItems(node) : app.collectCanvasMenuItems(app.canvas)),
      saved: (document) => {
        if (!app.configuringGraph) this.leads.write(document);
      },
      mayHaveChanged: () => this.editor.look(),
    };
  }

  /** The editor's document as it was recorded after an edit. */
  graphChanged(document: unknown): void {
    if (this.started) this.api.dispatchCustomEvent("graphChanged", document);
  }

  // Queueing --------------------------------------------------------------------------------------------------------

  /** What the Run button does: through `app.queuePrompt`, as packs have it now. */
  run({ front, targets }: SubmitOptions, count: number): void {
    Promise.resolve(this.app.queuePrompt(front ? -1 : 0, count, targets ?? null)).catch((error: unknown) => this.report("queuePrompt", error));
  }

  private async queue(number: number, count: number, targets?: string[]): Promise<boolean> {
    this.leads.forget();
    const taken = await this.editor.start({ ...(number === -1 ? { front: true } : { number }), ...(targets && { targets }) }, count);
    this.api.dispatchCustomEvent("promptQueued", { number, batchCount: count });
    return taken;
  }

  async submit({ front, number = 0, targets }: SubmitOptions): Promise<RunReply> {
    const prompt = await this.app.graphToPrompt();
    try {
      const reply = submission(await this.app.api.queuePrompt(front ? -1 : number, prompt, targets ? { partialExecutionTargets: targets } : {}));
      this.app.lastNodeErrors = Object.keys(reply.nodeErrors).length > 0 ? reply.nodeErrors : null;
      return reply;
    } catch (error) {
      const response = (error as { response?: PromptRefusal }).response;
      if (!(error instanceof PromptExecutionError) && !response?.error) throw error;
      this.app.lastNodeErrors = (response?.node_errors ?? {}) as never;
      return submission(response ?? {});
    }
  }

  handleFile(file: File): Promise<void> {
    return Promise.resolve(this.app.handleFile(file));
  }

  // Failures --------------------------------------------------------------------------------------------------------

  private guard(node: Any, where: string, work: () => unknown): void {
    try {
      const answer = work();
      if (isPromise(answer)) answer.then(undefined, (error: unknown) => this.failedOn(where, node, error));
    } catch (error) {
      this.failedOn(where, node, error);
    }
  }

  private failedOn(where: string, node: Any, error: unknown): void {
    this.report(`${where} of ${String(node?.type ?? "a node")}`, error);
  }

  private report(source: string, error: unknown): void {
    this.editor.problem(source, error, packOfError(error));
  }

  private tell({ problems }: LoadReport): void {
    for (const { pack, path, message, stack, dependants } of problems) {
      const more = dependants.length > 0 ? ` Not loaded because of it: ${dependants.join(", ")}.` : "";
      this.editor.problem(path, Object.assign(new Error(message + more), { stack: stack ?? message }), pack);
    }
  }

  destroy(): void {
    clearTimeout(this.asking);
    for (const stop of this.stops.reverse()) stop();
    this.api.destroy();
  }
}

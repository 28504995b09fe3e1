// `app`, as packs know it. Its members may be replaced by packs; everything here looks them up when it is used.
import { Clipspace, type NodeId } from "../graph";
import { DEFAULT_GRAPH } from "./default-graph";
import { ExtensionHooks, type Report } from "./hooks";
import { graphToPrompt } from "./prompt";
import type { AppPorts } from "./ports";
import type { Any, ComfyExtension, GraphPrompt, NodeInfo, Point, Prompt, RawGraph, WorkflowJson } from "./types";
import { ComfyWidgets } from "./widgets";

export const ANIM_PREVIEW_WIDGET = "$$comfy_animation_preview";

export class ComfyApp extends Clipspace {
  readonly api: Any;
  /** The root graph; `canvas.graph` is the level shown. */
  readonly graph: Any;
  readonly canvas: Any;
  readonly canvasEl: HTMLCanvasElement;
  ui: Any;
  menu: Any;
  extensionManager: Any;
  /** What nodes put out last, by their id in messages. */
  nodeOutputs: Record<string, Any> = {};
  nodePreviewImages: Record<string, string[]> = {};
  runningNodeId: string | null = null;
  lastNodeErrors: Record<string, Any> | null = null;
  lastExecutionError: Any = null;
  configuringGraph = false;
  isNewUserSession = false;
  storageLocation = "server";
  multiUserServer = false;
  dragOverNode: Any = null;
  shiftDown = false;
  vueAppReady = true;
  defaultGraph = DEFAULT_GRAPH;
  bodyTop: HTMLElement;
  bodyLeft: HTMLElement;
  bodyRight: HTMLElement;
  bodyBottom: HTMLElement;
  canvasContainer: HTMLElement;
  readonly hooks: ExtensionHooks;
  readonly editor: Any;

  constructor(private readonly ports: AppPorts, report: Report) {
    super();
    const raw = ports.view.raw as RawGraph;
    this.api = ports.api;
    this.editor = ports.editor;
    this.graph = raw.graph;
    this.canvas = raw.canvas;
    this.canvasEl = raw.canvas.canvas;
    this.hooks = new ExtensionHooks(() => this, report);
    const place = (): HTMLElement => document.createElement("div");
    this.bodyTop = place();
    this.bodyLeft = place();
    this.bodyRight = place();
    this.bodyBottom = place();
    this.canvasContainer = this.canvasEl.parentElement ?? document.body;
    this.followRuns();
  }

  // What there is ---------------------------------------------------------------------------------------------------

  get rootGraph(): Any { return this.graph; }
  get extensions(): ComfyExtension[] { return this.hooks.extensions; }
  get widgets(): Record<string, Any> { return ComfyWidgets; }
  get ctx(): CanvasRenderingContext2D | null { return this.canvas.ctx; }
  /** Whether a run, or the start of one, is going on. */
  get isGraphReady(): boolean { return !this.configuringGraph; }

  getPreviewFormatParam(): string {
    const format = this.ui?.settings?.getSettingValue?.("Comfy.PreviewFormat");
    return format ? `&preview=${String(format)}` : "";
  }

  getRandParam(): string {
    return `&rand=${Math.random()}`;
  }

  clientPosToCanvasPos(pos: Point): Point {
    return this.ports.view.toGraph(pos);
  }

  canvasPosToClientPos([x, y]: Point): Point {
    const box = this.canvasEl.getBoundingClientRect();
    const { scale, offset } = this.canvas.ds;
    return [(x + offset[0]) * scale + box.left, (y + offset[1]) * scale + box.top];
  }

  // Extensions and nodes --------------------------------------------------------------------------------------------

  registerExtension(extension: ComfyExtension): void {
    this.hooks.add(extension);
    this.ports.registered(extension);
  }

  /** `getCanvasMenuItems` of all extensions; null is a separator. */
  collectCanvasMenuItems(canvas: Any): unknown[] {
    return this.collect("getCanvasMenuItems", canvas);
  }

  collectNodeMenuItems(node: Any): unknown[] {
    return this.collect("getNodeMenuItems", node);
  }

  private collect(hook: string, subject: Any): unknown[] {
    return this.hooks.call(hook, [subject]).flatMap(({ answer }) => (Array.isArray(answer) ? (answer as unknown[]) : []));
  }

  getNodeDefs(): Promise<Record<string, NodeInfo>> {
    return this.api.getNodeDefs();
  }

  async registerNodes(): Promise<void> {
    await this.registerNodesFromDefs(await this.getNodeDefs());
  }

  async registerNodesFromDefs(definitions: Record<string, NodeInfo>): Promise<void> {
    await this.ports.define(definitions);
  }

  async registerNodeDef(type: string, definition: NodeInfo): Promise<void> {
    await this.ports.define({ [type]: definition });
  }

  getWidgetType(inputData: Any, inputName: string): string | null {
    const type = Array.isArray(inputData?.[0]) ? "COMBO" : String(inputData?.[0]);
    const named = `${type}:${inputName}`;
    return named in this.widgets ? named : type in this.widgets ? type : null;
  }

  /** The kernel's definitions anew: choices of files and models follow, `refreshComboInNode` of the nodes is called. */
  async refreshComboInNodes(): Promise<void> {
    const definitions = await this.getNodeDefs();
    await this.ports.define(definitions);
    this.ports.refreshCombos(definitions);
    await this.hooks.settle("refreshComboInNodes", [definitions]);
  }

  refreshNodeDefs(): Promise<void> {
    return this.refreshComboInNodes();
  }

  /** Shows what is in the clipspace. */
  openClipspace(): void {
    ComfyApp.clipspace_invalidate_handler?.();
    this.ports.openClipspace();
  }

  // Workflows -------------------------------------------------------------------------------------------------------

  /** Shows a workflow, an edit that can be undone; without one, the default workflow. */
  async loadGraphData(data?: WorkflowJson | string | null, clean = true, restoreView = true, workflow: unknown = null): Promise<void> {
    const document = typeof data === "string" ? (JSON.parse(data) as WorkflowJson) : (data ?? structuredClone(this.defaultGraph));
    if (clean !== false) this.clean();
    this.ports.load(document, { restoreView, workflow });
  }

  /** An API prompt as a graph. */
  async loadApiJson(prompt: Prompt, name = "prompt"): Promise<void> {
    await this.ports.openFile(new File([JSON.stringify(prompt)], /\.json$/i.test(name) ? name : `${name}.json`, { type: "application/json" }));
  }

  async handleFile(file: File): Promise<void> {
    await this.ports.openFile(file);
  }

  /** Forgets what runs left; the graph is not touched. */
  clean(): void {
    this.nodeOutputs = {};
    this.nodePreviewImages = {};
    this.lastNodeErrors = null;
    this.lastExecutionError = null;
  }

  resetView(): void {
    this.ports.view.fit();
  }

  async graphToPrompt(): Promise<GraphPrompt> {
    return graphToPrompt(this.ports.prompt);
  }

  /** Queues what is shown; true when it was taken. `number`: 0 behind, -1 before what waits. */
  async queuePrompt(number = 0, batchCount = 1, queueNodeIds?: NodeId[] | null): Promise<boolean> {
    this.lastNodeErrors = null;
    return this.ports.queue(Number(number) || 0, Number(batchCount) || 1, queueNodeIds ? queueNodeIds.map(String) : undefined);
  }

  // Messages to the person ------------------------------------------------------------------------------------------

  showMissingNodesError(missingNodeTypes: unknown[]): void {
    const names = missingNodeTypes.map((type) => String((type as { type?: unknown })?.type ?? type));
    this.ports.notify("warning", "Node types that are not installed", names.join(", "));
  }

  showErrorOnFileLoad(file: File): void {
    this.ports.notify("error", `${file.name} was not opened`, "No workflow was found in it.");
  }

  // Runs ------------------------------------------------------------------------------------------------------------

  private followRuns(): void {
    const on = (type: string, listener: (detail: Any) => void): void => this.api.addEventListener(type, (event: CustomEvent) => listener(event.detail));
    on("executing", (node) => {
      this.runningNodeId = node ?? null;
      this.graph.setDirtyCanvas?.(true, false);
    });
    on("execution_start", () => {
      this.lastExecutionError = null;
      this.runningNodeId = null;
      for (const node of this.ports.view.allNodes() as Iterable<Any>) this.ports.guard(node, "onExecutionStart", () => node.onExecutionStart?.());
    });
    for (const end of ["execution_success", "execution_interrupted"]) on(end, () => { this.runningNodeId = null; });
    on("execution_error", (detail) => {
      this.runningNodeId = null;
      this.lastExecutionError = detail;
    });
    on("b_preview_with_metadata", ({ blob, displayNodeId, nodeId }) => {
      const id = String(displayNodeId ?? nodeId);
      for (const url of this.nodePreviewImages[id] ?? []) URL.revokeObjectURL(url);
      this.nodePreviewImages[id] = [URL.createObjectURL(blob)];
    });
  }

  revokePreviews(id: NodeId): void {
    for (const url of this.nodePreviewImages[String(id)] ?? []) URL.revokeObjectURL(url);
    delete this.nodePreviewImages[String(id)];
  }
}

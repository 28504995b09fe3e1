// What packs import from ComfyUI's own extensions (`extensions/core/*.js`) and from the smaller scripts.
import { DomWidget, PrimitiveNode } from "../graph";
import { ClipspaceDialog, MaskEditorDialog } from "./clipspace-dialog";
import { DEFAULT_GRAPH } from "./default-graph";
import type { Any } from "./types";

type Spec = [type: unknown, options: Record<string, Any>];

const CONFIG = Symbol("CONFIG");
export const GET_CONFIG = Symbol("GET_CONFIG");

/** The definition of the input that a slot, or the slot of a primitive's target, stands for. */
function getWidgetConfig(slot: Any): Spec {
  const own = slot?.widget?.[CONFIG] ?? slot?.widget?.[GET_CONFIG]?.();
  if (own) return own as Spec;
  const input = slot?.node?.constructor?.nodeData?.input;
  const name: string | undefined = slot?.widget?.name ?? slot?.name;
  const spec = name === undefined ? undefined : (input?.required?.[name] ?? input?.optional?.[name]);
  return spec ? [spec[0], spec[1] ?? {}] : [slot?.type ?? "*", {}];
}

function setWidgetConfig(slot: Any, config: Spec | undefined): void {
  if (!slot?.widget) return;
  if (config) slot.widget[CONFIG] = config;
  else delete slot.widget[CONFIG];
}

/** Every widget has a socket already. */
function convertToInput(node: Any, widget: Any): Any {
  return node?.inputs?.find((input: Any) => input.widget?.name === widget?.name);
}

/** What both definitions allow; false where nothing does. */
function mergeIfValid(output: Any, other: Spec, _forceUpdate?: boolean, _recreate?: unknown, first?: Spec): { customConfig: Record<string, Any> } | false {
  const mine = first ?? getWidgetConfig(output);
  if (Array.isArray(mine[0]) || Array.isArray(other[0])) {
    return JSON.stringify(mine[0]) === JSON.stringify(other[0]) ? { customConfig: { ...mine[1], ...other[1] } } : false;
  }
  if (mine[0] !== other[0]) return false;
  const [a, b] = [mine[1] ?? {}, other[1] ?? {}];
  const customConfig: Record<string, Any> = { ...a, ...b };
  if (a.min != null && b.min != null) customConfig.min = Math.max(a.min, b.min);
  if (a.max != null && b.max != null) customConfig.max = Math.min(a.max, b.max);
  if (customConfig.min > customConfig.max) return false;
  return { customConfig };
}

/** Group nodes become subgraphs when a workflow is opened: in the live graph there are none. */
class GroupNodeHandler {
  static isGroupNode(_node: unknown): boolean { return false; }
  static getGroupData(_node: unknown): undefined { return undefined; }
  static getHandler(_node: unknown): undefined { return undefined; }
}

class GroupNodeConfig {
  static async registerFromWorkflow(_groups: unknown, _missing: unknown[]): Promise<void> {}
}

/** Undo and redo are the editor's; packs that capture states tell it to look. */
class ChangeTracker {
  static app: Any = null;
  activeState: unknown = null;
  constructor(readonly workflow: unknown = null, readonly initialState: unknown = null) {}
  static init(app: Any): void { ChangeTracker.app = app; }
  checkState(): void { ChangeTracker.app?.editor?.workspace?.edited(); }
  captureCanvasState(): void { this.checkState(); }
  store(): void {}
  restore(): void {}
  async undo(): Promise<void> { ChangeTracker.app?.editor?.workspace?.undo(); }
  async redo(): Promise<void> { ChangeTracker.app?.editor?.workspace?.redo(); }
}

function isDOMWidget(widget: Any): boolean {
  return widget instanceof DomWidget || widget?.element instanceof HTMLElement;
}

function addWidget(node: Any, widget: Any): void {
  node.addCustomWidget(widget);
}

export function coreModules(): Record<string, Record<string, unknown>> {
  return {
    widgetInputs: { PrimitiveNode, getWidgetConfig, setWidgetConfig, convertToInput, mergeIfValid, GET_CONFIG, CONFIG },
    groupNode: { GroupNodeHandler, GroupNodeConfig },
    groupNodeManage: { ManageGroupDialog: class {} },
    clipspace: { ClipspaceDialog },
    maskeditor: { MaskEditorDialog },
    maskEditorOld: { MaskEditorDialogOld: MaskEditorDialog },
    changeTracker: { ChangeTracker },
    defaultGraph: { defaultGraph: DEFAULT_GRAPH, defaultGraphJSON: JSON.stringify(DEFAULT_GRAPH), blankGraph: { last_node_id: 0, last_link_id: 0, nodes: [], links: [], groups: [], config: {}, extra: {}, version: 0.4 } },
    domWidget: { DOMWidgetImpl: DomWidget, BaseDOMWidgetImpl: DomWidget, isDOMWidget, addWidget },
  };
}

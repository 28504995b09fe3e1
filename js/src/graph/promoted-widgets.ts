// Widgets of a subgraph's inner nodes shown on its instances, as `properties.proxyWidgets` lists them.
import { loading } from "./loading";
import { type LGraphNode, type SubgraphNode, TextWidget } from "./litegraph";
import { isRecord } from "./definitions";
import type { DomWidget } from "./dom-widget";
import { activeSurface } from "./surface";
import type { AnyWidget } from "./widget-classes";

/** Owner of an entry that stands for an input of the instance itself. */
const OWN = "-1";
/** From this front end on the values of an instance follow its list; before, the inner widgets keep them. */
const VALUES_FOLLOW_LIST = [1, 28] as const;

type Entry = readonly [owner: string, name: string];

/** Null where the document states no version. */
export function valuesFollowList(extra: unknown): boolean | null {
  if (!isRecord(extra) || typeof extra.frontendVersion !== "string") return null;
  const version = extra.frontendVersion.split(".").slice(0, 2).map(Number);
  if (version.some(Number.isNaN)) return null;
  const [major = 0, minor = 0] = version;
  return major > VALUES_FOLLOW_LIST[0] || (major === VALUES_FOLLOW_LIST[0] && minor >= VALUES_FOLLOW_LIST[1]);
}

/** Some files hold the list as JSON text. */
export function readProxies(properties: unknown): Entry[] {
  let listed = isRecord(properties) ? properties.proxyWidgets : undefined;
  if (typeof listed === "string") {
    try {
      listed = JSON.parse(listed) as unknown;
    } catch {
      return [];
    }
  }
  if (!Array.isArray(listed)) return [];
  return listed.map((item) => (Array.isArray(item) && item.length >= 2 ? [String(item[0]), String(item[1])] : ["", ""]));
}

/** After the widgets of its own inputs: adds what the list has beside them, in its order where values follow it. */
export function showProxies(instance: SubgraphNode, entries: Entry[], values: unknown): void {
  if (!entries.length) return;
  const own = [...instance.widgets] as AnyWidget[];
  const byList = loading.valuesFollowList ?? onlyMore(own, entries, values);
  const placed: AnyWidget[] = [];
  for (const [owner, name] of entries) {
    const inner = owner === OWN ? null : innerNode(instance, owner);
    const input = owner === OWN ? name : inner && outerInput(instance, inner, name);
    const mine = input && own.find((widget) => widget.name === input && !placed.includes(widget));
    if (mine) placed.push(mine);
    else if (inner?.widgets?.some((widget) => widget.name === name) && !name.startsWith("$$")) placed.push(proxyWidget(instance, owner, name, byList));
    else if (byList) placed.push(keptPlace(instance, name));
  }
  const rest = own.filter((widget) => !placed.includes(widget));
  const added = placed.filter((widget) => !own.includes(widget));
  instance.widgets.length = 0;
  instance.widgets.push(...(byList ? [...placed, ...rest] : [...own, ...added]));
}

/** Whether the list begins with the instance's own widgets and there is a value for each entry: then nothing but the list
 * tells what the other values are for (the same rule stands in workflow/graph.py). */
function onlyMore(own: AnyWidget[], entries: Entry[], values: unknown): boolean {
  const counted = Array.isArray(values) && values.length === entries.length;
  if (!counted || !own.length || own.length >= entries.length) return false;
  return own.every((widget, place) => entries[place]?.[0] === OWN && entries[place][1] === widget.name);
}

function innerNode(instance: SubgraphNode, id: string): LGraphNode | null {
  return (instance.subgraph._nodes_by_id[id] as LGraphNode | undefined) ?? null;
}

/** The instance's input that feeds a widget inside; null where nothing does. */
function outerInput(instance: SubgraphNode, inner: LGraphNode, name: string): string | null {
  const slot = inner.inputs.find((input) => input.widget?.name === name);
  const link = slot?.link == null ? null : instance.subgraph.getLink(slot.link);
  return link && Number(link.origin_id) === -10 ? (instance.subgraph.inputNode.slots[link.origin_slot]?.name ?? null) : null;
}

/** A place in the saved values for a widget that is not there. */
function keptPlace(instance: SubgraphNode, name: string): AnyWidget {
  const widget = new TextWidget({ name, type: "text", value: null, options: {}, y: 0 } as never, instance) as AnyWidget;
  widget.hidden = true;
  return widget;
}

/** Shows the inner widget. Where values follow the list the instance has a value of its own once it was set, else it edits inside. */
function proxyWidget(instance: SubgraphNode, owner: string, name: string, byList: boolean): AnyWidget {
  const inner = (): AnyWidget => innerNode(instance, owner)?.widgets?.find((widget) => widget.name === name);
  const copy = inner().createCopyForNode(instance) as AnyWidget;
  const state: { held: unknown; own: boolean } = { held: null, own: false };
  const read = (): unknown => (state.own ? state.held : inner()?.value);
  const write = (value: unknown): void => {
    if (byList) Object.assign(state, { held: value, own: value !== null && value !== undefined });
    else {
      const target = inner();
      if (!target || target.value === value) return;
      target.value = value;
      target.callback?.(value);
    }
  };
  if (copy.element) followElement(copy as DomWidget, read, write);
  else Object.defineProperty(copy, "value", { configurable: true, enumerable: true, get: read, set: write });
  copy.name = name;
  copy.label = labelOf(instance, owner, name, inner());
  copy.cnProxy = { owner, name, inner };
  if (byList) copy.cnSaved = () => (state.own ? state.held : null);
  else copy.serialize = false;
  return copy;
}

/** Text boxes hold their text themselves: what is typed goes on, what changes inside is shown. */
function followElement(copy: DomWidget, read: () => unknown, write: (value: unknown) => void): void {
  const options = copy.options as AnyWidget;
  const show = options.setValue as ((value: unknown) => void) | undefined;
  show?.(read());
  const typed = options.getValue as (() => unknown) | undefined;
  (copy as AnyWidget).callback = () => write(typed?.());
  options.getValue = read;
  options.setValue = (value: unknown) => {
    write(value);
    show?.(read());
  };
  const drawn = options.onDraw as ((widget: DomWidget) => void) | undefined;
  options.onDraw = (widget: DomWidget) => {
    drawn?.(widget);
    if (document.activeElement !== widget.element && typed?.() !== read()) show?.(read());
  };
}

/** Two inner widgets of one name are told apart by their nodes. */
function labelOf(instance: SubgraphNode, owner: string, name: string, inner: AnyWidget): string {
  const twice = readProxies(instance.properties).filter((entry) => entry[1] === name).length > 1;
  const title = innerNode(instance, owner)?.getTitle();
  const label = String(inner.label || name);
  return twice && title ? `${title}: ${label}` : label;
}

/** The widget inside that a widget of an instance stands for, through any depth of subgraphs. */
export function promotedFrom(instance: SubgraphNode, widget: AnyWidget): { node: LGraphNode; widget: AnyWidget } | null {
  const { cnProxy } = widget as { cnProxy?: { owner: string; inner: () => AnyWidget } };
  if (cnProxy) {
    const node = innerNode(instance, cnProxy.owner);
    const inner = cnProxy.inner();
    return node && inner ? { node, widget: inner } : null;
  }
  const slot = instance.subgraph.inputNode.slots.find(({ name }) => name === widget.name);
  for (const id of slot?.linkIds ?? []) {
    const link = instance.subgraph.getLink(id);
    const node = link && instance.subgraph.getNodeById(link.target_id);
    const input = node?.inputs[link?.target_slot ?? -1];
    const inner = input && (node?.getWidgetFromSlot(input) as AnyWidget);
    if (node && inner) return { node, widget: inner };
  }
  return null;
}

export function warnPartly(id: unknown, name: string, error: unknown): void {
  activeSurface()?.services.notify("warning", `Subgraph ${String(id)} (${name}) was taken only in part: ${String(error)}`);
}

// Slots of one template have one type: that of whatever is linked to any of them, through all nodes they are linked with.
import type { LGraphNode } from "./litegraph";
import { type DefinedClass, planOf } from "./live-inputs";

const WILD = new Set(["*", "", "0", "COMFY_MATCHTYPE_V3"]);

interface Member {
  node: LGraphNode;
  template: string;
}

/** Settles the types of a node's templates and of the nodes that share them. */
export function matchTypes(node: LGraphNode): void {
  if (!(node.constructor as unknown as DefinedClass).plan?.dynamic) return;
  for (const template of new Set(templatesOf(node))) settle({ node, template });
}

function templatesOf(node: LGraphNode): string[] {
  const { sockets, outputs } = planOf(node);
  return [...sockets, ...outputs].map(({ template }) => template).filter((template) => typeof template === "string");
}

function settle(first: Member): void {
  const members: Member[] = [first];
  const before: string[] = [];
  const behind: string[] = [];
  for (const member of members) {
    for (const { input, type, other } of neighbours(member)) {
      if (!other) (input ? before : behind).push(type);
      else if (!members.some(({ node, template }) => node === other.node && template === other.template)) members.push(other);
    }
  }
  const found = [...before, ...behind].find((type) => !WILD.has(type) && !type.includes(",")) ?? null;
  for (const member of members) assign(member, found);
}

interface Neighbour {
  /** On the side of the member's inputs. */
  input: boolean;
  type: string;
  /** Set where the slot linked with has a template too. */
  other: Member | null;
}

function* neighbours({ node, template }: Member): Generator<Neighbour> {
  const { graph } = node;
  for (const slot of inputsOf(node, template)) {
    const link = slot.link == null ? null : graph?.getLink(slot.link);
    if (!link) continue;
    const origin = graph?.getNodeById(link.origin_id);
    const theirs = origin && definedPlan(origin)?.outputs[link.origin_slot]?.template;
    yield { input: true, type: String(origin?.outputs[link.origin_slot]?.type ?? link.type), other: origin && theirs ? { node: origin, template: theirs } : null };
  }
  for (const slot of outputsOf(node, template)) {
    for (const id of slot.links ?? []) {
      const link = graph?.getLink(id);
      const target = link && graph?.getNodeById(link.target_id);
      if (!target) continue;
      const input = target.inputs[link.target_slot];
      const theirs = definedPlan(target)?.sockets.find(({ name }) => name === input?.name)?.template;
      yield { input: false, type: String(input?.type ?? "*"), other: theirs ? { node: target, template: theirs } : null };
    }
  }
}

function definedPlan(node: LGraphNode): ReturnType<typeof planOf> | undefined {
  return planOf(node) as ReturnType<typeof planOf> | undefined;
}

function inputsOf(node: LGraphNode, template: string): LGraphNode["inputs"] {
  const names = new Set(planOf(node).sockets.filter((socket) => socket.template === template).map(({ name }) => name));
  return node.inputs.filter(({ name }) => names.has(name));
}

function outputsOf(node: LGraphNode, template: string): LGraphNode["outputs"] {
  const { outputs } = planOf(node);
  return node.outputs.filter((_, i) => outputs[i]?.template === template);
}

/** `type` null: nothing is linked, the slots take what the template allows. */
function assign({ node, template }: Member, type: string | null): void {
  const allowed = new Map(planOf(node).sockets.filter((socket) => socket.template === template).map((socket) => [socket.name, socket.type]));
  for (const input of inputsOf(node, template)) input.type = type ?? allowed.get(input.name) ?? "*";
  for (const output of outputsOf(node, template)) {
    output.type = type ?? [...allowed.values()][0] ?? "*";
    for (const id of output.links ?? []) {
      const link = node.graph?.getLink(id);
      if (link) link.type = output.type;
    }
  }
}

// @vitest-environment happy-dom
// Loading and saving a recorded workflow changes nothing that means anything.
import { beforeAll, describe, expect, it } from "vitest";
import { GraphView } from "../../src/graph";
import { hasRecordings, readRecording, recordedDefinitions, recordings, stubBrowser, testServices } from "./helpers";

type Raw = Record<string, unknown>;

/** The document without what is derived: execution order, the view, the order of lists that are sets. */
function meaning(document: Raw): Raw {
  const out = structuredClone(document);
  const extra = { ...((out.extra as Raw | undefined) ?? {}) };
  delete extra.ds;
  out.extra = extra;
  delete out.version;
  if (Array.isArray(out.groups) && !out.groups.length) delete out.groups;
  delete out.config;
  delete out.last_node_id; // raised to the largest id where a file has it too low
  out.nodes = sortById((out.nodes as Raw[]).map(nodeMeaning));
  out.links = (out.links as unknown[][]).map((link) => normalLink(link, out.nodes as Raw[])).sort((a, b) => Number(a[0]) - Number(b[0]));
  const definitions = (out.definitions as { subgraphs?: Raw[] } | undefined)?.subgraphs;
  for (const definition of definitions ?? []) {
    definition.nodes = sortById((definition.nodes as Raw[]).map(nodeMeaning));
    definition.links = sortById(definition.links as Raw[]);
    if (Array.isArray(definition.reroutes) && !definition.reroutes.length) delete definition.reroutes;
    delete definition.state;
    for (const key of ["inputs", "outputs"]) definition[key] = ((definition[key] ?? []) as Raw[]).map((slot) => ({ ...slot, pos: point(slot.pos) }));
  }
  return out;
}

const point = (value: unknown): unknown => (value && !Array.isArray(value) ? Object.values(value as Raw) : value);

function nodeMeaning(node: Raw): Raw {
  const { order: _, ...rest } = node;
  return {
    ...rest, pos: point(rest.pos), size: point(rest.size),
    inputs: ((rest.inputs ?? []) as Raw[]), outputs: ((rest.outputs ?? []) as Raw[]).map((output) => ({ ...output, links: (output.links as unknown[] | null)?.length ? output.links : null })),
  };
}

/** Where a link ends is said by the inputs; some writers left older slot numbers in the tuple. */
function normalLink(link: unknown[], nodes: Raw[]): unknown[] {
  const inputs = (nodes.find((node) => node.id === link[3])?.inputs ?? []) as Raw[];
  const at = inputs.findIndex((input) => input.link === link[0]);
  return at < 0 ? link : [...link.slice(0, 4), at, ...link.slice(5)];
}

function sortById(list: Raw[]): Raw[] {
  return [...list].sort((a, b) => String(a.id).localeCompare(String(b.id)));
}

describe.skipIf(!hasRecordings)("recorded workflows (skipped: no recordings beside the repository)", () => {
  let view: GraphView;
  const notices: string[] = [];

  beforeAll(() => {
    stubBrowser();
    const container = document.createElement("div");
    document.body.append(container);
    view = new GraphView(container, testServices(notices));
    view.setDefinitions(recordedDefinitions());
  });

  it.each(recordings())("%s", (name) => {
    const document = readRecording(name);
    notices.length = 0;
    const report = view.load(document);
    expect(notices).toEqual([]);
    expect(report.warnings).toEqual([]);
    expect(meaning(view.serialize() as unknown as Raw)).toEqual(meaning(document as unknown as Raw));
  });
});

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { NodeInfo } from "../../src/graph";
import { Searchable } from "../../src/editor/fuzzy";
import { NodeIndex, sourceOf, typesFit } from "../../src/editor/node-index";
import { NodeSearch } from "../../src/editor/search";

const node = (display_name: string, category = "", more: Partial<NodeInfo> = {}): NodeInfo => ({ display_name, category, ...more });

const NODES: Record<string, NodeInfo> = {
  KSampler: node("KSampler", "sampling", { input: { required: { model: ["MODEL"], seed: ["INT", {}] } }, output: ["LATENT"] }),
  KSamplerAdvanced: node("KSampler (Advanced)", "sampling", { output: ["LATENT"] }),
  LoadImage: node("Load Image", "image", { output: ["IMAGE", "MASK"] }),
  ImageScale: node("Upscale Image", "image/upscaling", { input: { required: { image: ["IMAGE"] } }, output: ["IMAGE"] }),
  ImageBlur: node("Image Blur", "image/postprocessing", { search_aliases: ["gaussian", "soften"], output: ["IMAGE"] }),
  CheckpointLoaderSimple: node("Load Checkpoint", "loaders", { output: ["MODEL", "CLIP", "VAE"] }),
  VAEDecode: node("VAE Decode", "latent", { input: { required: { samples: ["LATENT"] } }, output: ["IMAGE"] }),
  Old: node("Load Image Old", "image", { deprecated: true }),
  vignette: node("vignette", "image", { python_module: "__main__" }),
};

const index = () => {
  const made = new NodeIndex();
  made.set(NODES);
  return made;
};
const types = (query: string, options = {}) => index().search(query, options).map((hit) => hit.item.type);

describe("matching", () => {
  it.each([
    ["Load Image", "load image", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["Load Image", "im", [5, 6]],
    ["KSamplerAdvanced", "ksa", [0, 1, 2]],
    ["KSamplerAdvanced", "adv", [8, 9, 10]],
    ["Load Checkpoint", "lc", [0, 5]],
    ["Load Checkpoint", "lch", [0, 5, 6]],
    ["VAE Decode", "vdec", [0, 4, 5, 6]],
    ["Load Image", "xyz", null],
  ])("%s / %s", (text, query, at) => expect(new Searchable(text).match(query)?.at ?? null).toEqual(at));

  it("ranks exact > prefix > word start > initials > inside > scattered", () => {
    const texts = ["scale", "scale image", "image scale", "s c ale", "upscale", "sxcaxle"];
    const scores = texts.map((text) => new Searchable(text).match("scale")?.score ?? -1);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
    expect(new Set(scores).size).toBe(texts.length);
  });

  it("letters strewn over a long text do not match", () => {
    expect(new Searchable("a very long title with letters everywhere in it").match("aex")).toBeNull();
  });

  it("ignores accents and does not lose places after astral characters", () => {
    expect(new Searchable("Café 🙂 blur").match("cafe")?.at).toEqual([0, 1, 2, 3]);
    expect(new Searchable("🙂 blur").match("blur")?.at).toEqual([3, 4, 5, 6]);
  });
});

describe("ranking", () => {
  it.each([
    ["load image", "LoadImage"],
    ["ksampler", "KSampler"],
    ["ksamplera", "KSamplerAdvanced"],
    ["lc", "CheckpointLoaderSimple"],
    ["checkpoint", "CheckpointLoaderSimple"],
    ["gaussian", "ImageBlur"],
    ["blur image", "ImageBlur"],
    ["upscaling", "ImageScale"],
    ["ImageScale", "ImageScale"],
    ["notebook", "vignette"],
  ])("%s → %s", (query, first) => expect(types(query)[0]).toBe(first));

  it("puts deprecated nodes last among equals and recent ones first", () => {
    expect(types("load image").slice(0, 2)).toEqual(["LoadImage", "Old"]);
    expect(types("", { recent: ["VAEDecode", "LoadImage"] }).slice(0, 2)).toEqual(["VAEDecode", "LoadImage"]);
  });

  it("filters by what the other end of a link needs", () => {
    expect(types("", { filter: { type: "LATENT", fromInput: false } })).toEqual(["VAEDecode"]);
    expect(types("", { filter: { type: "LATENT", fromInput: true } }).sort()).toEqual(["KSampler", "KSamplerAdvanced"]);
    expect(types("", { filter: { type: "INT", fromInput: false } })).toEqual(["KSampler"]);
  });

  it("knows wildcards and unions", () => {
    expect([typesFit("*", "IMAGE"), typesFit("IMAGE,MASK", "mask"), typesFit("INT", "FLOAT")]).toEqual([true, true, false]);
  });

  it("names where a node comes from", () => {
    expect(["nodes", "comfy_extras.nodes_mask", "comfy_notebook.nodes.image", "custom_nodes.my-pack.x", "__main__", undefined].map(sourceOf))
      .toEqual([null, null, null, "my-pack", "Notebook", null]);
  });

  it("searches 2,000 nodes within a keystroke", () => {
    const big = new NodeIndex();
    big.set(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`PackNode${i}`, node(`Pack Node Number ${i}`, `pack/group ${i % 40}`)])));
    const once = () => {
      const started = performance.now();
      for (const query of ["n", "no", "nod", "node 19", "pnn"]) big.search(query);
      return (performance.now() - started) / 5;
    };
    expect(Math.min(once(), once(), once(), once())).toBeLessThan(100); // the best: others use the machine too
  });
});

const recorded = join(dirname(fileURLToPath(import.meta.url)), "../../../../shared/reference/node_signatures.json");
describe.skipIf(!existsSync(recorded))("the reference's own node list", () => {
  const made = new NodeIndex();
  if (existsSync(recorded)) made.set(JSON.parse(readFileSync(recorded, "utf8")).nodes);
  it.each([["ksampler", "KSampler"], ["clip text", "CLIPTextEncode"], ["load check", "CheckpointLoaderSimple"], ["save image", "SaveImage"], ["vae dec", "VAEDecode"], ["empty latent", "EmptyLatentImage"]])(
    "%s → %s", (query, first) => expect(made.search(query)[0]?.item.type).toBe(first));
});

describe("the box", () => {
  let root: HTMLElement;
  const storage = new Map<string, string>();
  const box = (onPick = vi.fn(), request = {}) => {
    const search = new NodeSearch(root, index(), { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => void storage.set(key, value) }, () => undefined);
    search.open({ onPick, ...request });
    const input = root.querySelector("input") as HTMLInputElement;
    const press = (key: string) => input.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const type = (text: string) => { input.value = text; input.dispatchEvent(new Event("input")); };
    return { search, onPick, press, type };
  };
  beforeEach(() => {
    storage.clear();
    root = document.createElement("div");
    document.body.replaceChildren(root);
  });

  it("is driven by the keyboard and remembers what was picked", () => {
    const { onPick, press, type } = box();
    type("load");
    press("ArrowDown");
    press("ArrowUp");
    press("Enter");
    const picked = onPick.mock.calls[0]?.[0];
    expect(picked).toBe("LoadImage");
    expect(root.querySelector(".cn-search")).toBeNull();
    expect(JSON.parse(storage.get("cn.recent-nodes") ?? "")).toEqual(["LoadImage"]);
  });

  it("Esc closes and tells so; nothing found is said", () => {
    const onClose = vi.fn();
    const { press, type } = box(vi.fn(), { onClose });
    type("qqqqq");
    expect(root.querySelector(".cn-empty")?.textContent).toContain("qqqqq");
    press("Enter");
    press("Escape");
    expect(onClose).toHaveBeenCalledOnce();
  });

  it("shows hostile names as text", () => {
    const hostile = new NodeIndex();
    hostile.set({ X: node("<img src=x onerror=alert(1)>") });
    new NodeSearch(root, hostile, { getItem: () => null, setItem: () => undefined }, () => undefined).open({ onPick: vi.fn() });
    expect(root.querySelector("img")).toBeNull();
    expect(root.textContent).toContain("<img src=x onerror=alert(1)>");
  });
});

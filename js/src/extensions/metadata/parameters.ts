// The text that AUTOMATIC1111 writes into its pictures, as a graph: checkpoint, prompts, LoRAs, sampler, picture.

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- live nodes of the graph

export interface Parameters {
  positive: string;
  negative: string;
  /** Keys in lower case. */
  settings: Record<string, string>;
}

/** Null for a text of another kind. */
export function readParameters(text: string): Parameters | null {
  const start = `\n${text}`.lastIndexOf("\nSteps: ");
  if (start < 0) return null;
  const [positive = "", negative = ""] = text.slice(0, start).split(/\n?Negative prompt:\s*/);
  const settings: Record<string, string> = {};
  for (const [, key, quoted, plain] of text.slice(start).matchAll(/([^:,]+):\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:,|$)/g)) {
    settings[key!.trim().toLowerCase()] = (quoted ?? plain ?? "").trim();
  }
  return { positive: positive.trim(), negative: negative.trim(), settings };
}

const SAMPLERS: [RegExp, string][] = [
  [/^dpm\+\+ 2s a/, "dpmpp_2s_ancestral"], [/^dpm\+\+ 3m sde/, "dpmpp_3m_sde"], [/^dpm\+\+ 2m sde/, "dpmpp_2m_sde"], [/^dpm\+\+ 2m/, "dpmpp_2m"],
  [/^dpm\+\+ sde/, "dpmpp_sde"], [/^dpm2 a/, "dpm_2_ancestral"], [/^dpm2/, "dpm_2"], [/^dpm fast/, "dpm_fast"], [/^dpm adaptive/, "dpm_adaptive"],
  [/^euler a/, "euler_ancestral"], [/^euler/, "euler"], [/^heun/, "heun"], [/^lms/, "lms"], [/^ddim/, "ddim"], [/^unipc/, "uni_pc"], [/^lcm/, "lcm"], [/^ddpm/, "ddpm"],
];

/** ComfyUI's names for a sampler of A1111, which may name the schedule too. */
export function samplerOf({ settings }: Pick<Parameters, "settings">): { sampler: string; scheduler: string } {
  const name = (settings["sampler"] ?? "euler").toLowerCase();
  const schedule = `${settings["schedule type"] ?? ""} ${name}`.toLowerCase();
  const sampler = SAMPLERS.find(([pattern]) => pattern.test(name))?.[1] ?? name.replace(/\s+/g, "_");
  const scheduler = schedule.includes("karras") ? "karras" : schedule.includes("exponential") ? "exponential" : "normal";
  return { sampler, scheduler };
}

/** Takes `<lora:name:weight>` out of a prompt. */
export function takeLoras(prompt: string): { text: string; loras: { name: string; weight: number }[] } {
  const loras: { name: string; weight: number }[] = [];
  const text = prompt.replace(/<lora:([^:>]+)(?::([-\d.]+))?[^>]*>/g, (_, name: string, weight?: string) => {
    loras.push({ name, weight: Number(weight ?? 1) || 0 });
    return "";
  });
  return { text: text.replace(/\s*,(?:\s*,)+/g, ",").trim(), loras };
}

/** Replaces the graph's content; leaves it alone when the text holds no such parameters. */
export async function importA1111(graph: Any, text: string): Promise<void> {
  const read = readParameters(text);
  if (!read) return;
  const { settings } = read;
  const LiteGraph = (window as Any).LiteGraph;
  graph.clear();
  let x = 50;
  const add = (type: string, values: Record<string, unknown>, inputs: Record<string, [Any, number]> = {}, y = 100): Any => {
    const node = LiteGraph.createNode(type);
    if (!node) throw new Error(`The node type ${type} is not there.`);
    node.pos = [x, y];
    graph.add(node);
    for (const [name, value] of Object.entries(values)) setWidget(node, name, value);
    for (const [name, [from, slot]] of Object.entries(inputs)) from.connect(slot, node, node.findInputSlot(name));
    return node;
  };
  const step = () => (x += 350);

  const checkpoint = add("CheckpointLoaderSimple", { ckpt_name: fileLike(settings["model"]) });
  let [model, clip]: [[Any, number], [Any, number]] = [[checkpoint, 0], [checkpoint, 1]];
  const skip = Number(settings["clip skip"] ?? 1);
  if (skip > 1) {
    step();
    clip = [add("CLIPSetLastLayer", { stop_at_clip_layer: -skip }, { clip }), 0];
  }
  const [positive, negative] = [takeLoras(read.positive), takeLoras(read.negative)];
  for (const { name, weight } of [...positive.loras, ...negative.loras]) {
    step();
    const lora = add("LoraLoader", { lora_name: fileLike(name), strength_model: weight, strength_clip: weight }, { model, clip });
    [model, clip] = [[lora, 0], [lora, 1]];
  }
  step();
  const wanted = add("CLIPTextEncode", { text: positive.text }, { clip });
  const unwanted = add("CLIPTextEncode", { text: negative.text }, { clip }, 350);
  const [width = 512, height = 512] = (settings["size"] ?? "").split("x").map(Number).filter(Boolean);
  const latent = add("EmptyLatentImage", { width, height }, {}, 600);
  step();
  const { sampler, scheduler } = samplerOf(read);
  const common = { cfg: Number(settings["cfg scale"] ?? 7), sampler_name: sampler, scheduler, steps: Number(settings["steps"] ?? 20), seed: Number(settings["seed"] ?? 0) };
  const conditioning: Record<string, [Any, number]> = { model, positive: [wanted, 0], negative: [unwanted, 0] };
  let image = add("KSampler", { ...common, denoise: 1 }, { ...conditioning, latent_image: [latent, 0] });
  const scale = Number(settings["hires upscale"] ?? 0);
  if (scale > 1) {
    step();
    const large = add("LatentUpscale", { width: Math.round(width * scale), height: Math.round(height * scale), upscale_method: "nearest-exact", crop: "disabled" }, { samples: [image, 0] });
    step();
    const steps = Number(settings["hires steps"] ?? 0) || common.steps;
    image = add("KSampler", { ...common, steps, denoise: Number(settings["denoising strength"] ?? 0.5) }, { ...conditioning, latent_image: [large, 0] });
  }
  step();
  const decoded = add("VAEDecode", {}, { samples: [image, 0], vae: [checkpoint, 2] });
  step();
  add("SaveImage", { filename_prefix: "ComfyUI" }, { images: [decoded, 0] });
}

/** What a combo widget offers decides: `a.safetensors` is meant by `a` too. */
function setWidget(node: Any, name: string, value: unknown): void {
  const widget = node.widgets?.find((one: Any) => one.name === name);
  if (!widget || value === undefined) return;
  const offered: unknown[] | undefined = Array.isArray(widget.options?.values) ? widget.options.values : undefined;
  widget.value = offered?.find((one) => fileLike(String(one)) === value || one === value) ?? value;
  widget.callback?.(widget.value);
}

/** A model's name without folder and ending. */
function fileLike(name: string | undefined): string | undefined {
  return name?.split(/[\\/]/).at(-1)!.replace(/\.(?:safetensors|ckpt|pt|bin)$/i, "");
}

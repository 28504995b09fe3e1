// The workflow that `app.loadGraphData()` shows without an argument: an image made from a text.
import type { WorkflowJson } from "../graph";

type Inputs = [name: string, type: string, link: number][];
type Outputs = [name: string, links: number[]][];

const node = (id: number, type: string, pos: [number, number], size: [number, number], inputs: Inputs, outputs: Outputs, widgets_values: unknown[]) => ({
  id, type, pos, size, flags: {}, order: id, mode: 0, properties: {}, widgets_values,
  inputs: inputs.map(([name, kind, link]) => ({ name, type: kind, link })),
  outputs: outputs.map(([name, links], slot_index) => ({ name, type: name, links, slot_index })),
});

const text = "a lighthouse on a cliff above a stormy sea, evening light";

export const DEFAULT_GRAPH = {
  last_node_id: 7, last_link_id: 9,
  nodes: [
    node(1, "CheckpointLoaderSimple", [20, 320], [315, 98], [], [["MODEL", [1]], ["CLIP", [3, 5]], ["VAE", [8]]], ["v1-5-pruned-emaonly.safetensors"]),
    node(2, "CLIPTextEncode", [400, 120], [420, 160], [["clip", "CLIP", 3]], [["CONDITIONING", [4]]], [text]),
    node(3, "CLIPTextEncode", [400, 340], [420, 160], [["clip", "CLIP", 5]], [["CONDITIONING", [6]]], ["text, watermark"]),
    node(4, "EmptyLatentImage", [460, 560], [315, 106], [], [["LATENT", [2]]], [512, 512, 1]),
    node(5, "KSampler", [880, 140], [315, 262], [["model", "MODEL", 1], ["positive", "CONDITIONING", 4], ["negative", "CONDITIONING", 6], ["latent_image", "LATENT", 2]],
      [["LATENT", [7]]], [156680208700286, "randomize", 20, 8, "euler", "normal", 1]),
    node(6, "VAEDecode", [1240, 140], [210, 46], [["samples", "LATENT", 7], ["vae", "VAE", 8]], [["IMAGE", [9]]], []),
    node(7, "SaveImage", [1500, 140], [270, 290], [["images", "IMAGE", 9]], [], ["ComfyUI"]),
  ],
  links: [
    [1, 1, 0, 5, 0, "MODEL"], [2, 4, 0, 5, 3, "LATENT"], [3, 1, 1, 2, 0, "CLIP"], [4, 2, 0, 5, 1, "CONDITIONING"], [5, 1, 1, 3, 0, "CLIP"],
    [6, 3, 0, 5, 2, "CONDITIONING"], [7, 5, 0, 6, 0, "LATENT"], [8, 1, 2, 6, 1, "VAE"], [9, 6, 0, 7, 0, "IMAGE"],
  ],
  groups: [], config: {}, extra: {}, version: 0.4,
} as unknown as WorkflowJson;

// A page with nothing but the graph view, for the browser tests and for looking at it.
import { GraphView } from "../src/graph";
import type { GraphServices } from "../src/graph";

const notices: string[] = [];
const events: { name: string; event: unknown }[] = [];
const memory = new Map<string, string>();

function picture(label: string): string {
  const canvas = document.createElement("canvas");
  canvas.width = 384;
  canvas.height = 256;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  const hue = [...label].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 360;
  const fill = pen.createLinearGradient(0, 0, 384, 256);
  fill.addColorStop(0, `hsl(${hue} 70% 55%)`);
  fill.addColorStop(1, `hsl(${(hue + 80) % 360} 70% 30%)`);
  pen.fillStyle = fill;
  pen.fillRect(0, 0, 384, 256);
  pen.fillStyle = "#fff";
  pen.font = "20px sans-serif";
  pen.fillText(label.slice(0, 34), 16, 132);
  return canvas.toDataURL();
}

/** A tenth of a second of silence. */
function silence(): string {
  const bytes = new DataView(new ArrayBuffer(44 + 800));
  const text = (at: number, word: string): void => [...word].forEach((char, i) => bytes.setUint8(at + i, char.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 800, true);
  text(8, "WAVEfmt ");
  for (const [at, value] of [[16, 16], [24, 8000], [28, 8000], [40, 800]] as const) bytes.setUint32(at, value, true);
  for (const [at, value] of [[20, 1], [22, 1], [32, 1], [34, 8]] as const) bytes.setUint16(at, value, true);
  text(36, "data");
  return URL.createObjectURL(new Blob([bytes.buffer as ArrayBuffer], { type: "audio/wav" }));
}

const services: GraphServices = {
  fileUrl: async (ref) => {
    if (ref.filename.startsWith("missing")) throw new Error("not found");
    if (ref.filename.endsWith(".wav")) return silence();
    return picture(ref.filename);
  },
  upload: async (file) => ({ name: file.name, subfolder: "", type: "input" }),
  pickFile: async () => new File(["x"], "picked.png", { type: "image/png" }),
  notify: (severity, text) => notices.push(`${severity}: ${text}`),
  storage: { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => void memory.set(key, value), removeItem: (key) => void memory.delete(key) },
};

const view = new GraphView(document.querySelector("#view") as HTMLElement, services);
for (const name of ["change", "selection", "empty-double-click", "empty-release", "level", "image-open"] as const) {
  view.on(name, (event) => events.push({ name, event }));
}
Object.assign(window, { view, notices, events, picture });

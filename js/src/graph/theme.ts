// Colours of the canvas in dark and light, by meaning. Everything drawn takes its colour from here.

export interface Palette {
  dark: boolean;
  canvas: string;
  grid: string;
  node: string;
  nodeTitle: string;
  nodeBorder: string;
  title: string;
  text: string;
  textDim: string;
  field: string;
  fieldBorder: string;
  fieldText: string;
  fieldLabel: string;
  fill: string;
  accent: string;
  running: string;
  queued: string;
  error: string;
  warning: string;
  bypass: string;
  unknown: string;
  shadow: string;
  menu: string;
  menuText: string;
  menuHover: string;
  menuBorder: string;
  group: string;
  font: string;
  mono: string;
}

const FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

export const DARK: Palette = {
  dark: true, canvas: "#17181c", grid: "#2b2d34", node: "#26282f", nodeTitle: "#31343d", nodeBorder: "#3d414c",
  title: "#e6e8ee", text: "#b9bec9", textDim: "#7f8694", field: "#1b1d22", fieldBorder: "#3a3e48", fieldText: "#e3e6ec",
  fieldLabel: "#9aa1af", fill: "#35507a", accent: "#6ea8fe", running: "#4ade80", queued: "#8b93a5", error: "#f26d6d",
  warning: "#f5b54a", bypass: "#6b3fa0", unknown: "#5a2a2e", shadow: "rgba(0,0,0,0.35)", menu: "#23252b", menuText: "#dfe2e8",
  menuHover: "#353944", menuBorder: "#40444f", group: "#3f5f8f", font: FONT, mono: MONO,
};

export const LIGHT: Palette = {
  dark: false, canvas: "#f3f4f6", grid: "#d7dae0", node: "#ffffff", nodeTitle: "#eceef2", nodeBorder: "#cdd2da",
  title: "#20242c", text: "#434a57", textDim: "#7b8391", field: "#f4f5f8", fieldBorder: "#d3d7df", fieldText: "#1d2129",
  fieldLabel: "#69717f", fill: "#bcd4fb", accent: "#2f6fed", running: "#16a34a", queued: "#8a919e", error: "#d93636",
  warning: "#b7791f", bypass: "#b48be0", unknown: "#f7d4d4", shadow: "rgba(30,35,50,0.16)", menu: "#ffffff", menuText: "#22262e",
  menuHover: "#eaf0fb", menuBorder: "#cfd4dc", group: "#8fb0e0", font: FONT, mono: MONO,
};

/** Link and slot colours by type: [on dark, on light]. */
const TYPE_COLORS: Record<string, [string, string]> = {
  IMAGE: ["#5ba9f2", "#1f7ad1"],
  MASK: ["#6fc36f", "#3a9a3a"],
  LATENT: ["#f283c8", "#cf4a9d"],
  MODEL: ["#b9a0f4", "#8259d9"],
  CLIP: ["#f2d24a", "#b89400"],
  VAE: ["#f26464", "#d23b3b"],
  CONDITIONING: ["#f4a653", "#d07a16"],
  CLIP_VISION: ["#9fc7c9", "#4f8f93"],
  CLIP_VISION_OUTPUT: ["#c9a58a", "#97694a"],
  CONTROL_NET: ["#62d1a4", "#1f9a6b"],
  STYLE_MODEL: ["#c5e08c", "#7da02c"],
  UPSCALE_MODEL: ["#d7dbe2", "#707887"],
  NOISE: ["#b5b5b5", "#777777"],
  GUIDER: ["#66d9d9", "#1a9a9a"],
  SAMPLER: ["#ececa0", "#96963a"],
  SIGMAS: ["#cfe08f", "#84962e"],
  AUDIO: ["#8fd3e8", "#2a90ad"],
  VIDEO: ["#9bb3f0", "#4d6dcc"],
  INT: ["#86b9c9", "#3f8299"],
  FLOAT: ["#9ccfae", "#4b946a"],
  STRING: ["#b7d08a", "#738f35"],
  BOOLEAN: ["#d99c9c", "#a85b5b"],
  COMBO: ["#a9b4c8", "#6b7890"],
  "*": ["#c9ced8", "#7a8290"],
};

export function typeColor(type: unknown, palette: Palette): string {
  const name = String(type || "*").split(",")[0]?.trim().toUpperCase() ?? "*";
  const known = TYPE_COLORS[name];
  if (known) return known[palette.dark ? 0 : 1];
  let hash = 7;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 3600;
  return `hsl(${hash / 10} ${palette.dark ? "46% 66%" : "52% 42%"})`;
}

export function typeColors(palette: Palette): Record<string, string> {
  return Object.fromEntries(Object.keys(TYPE_COLORS).map((type) => [type, typeColor(type, palette)]));
}

/** Node colours that the menu offers; the saved values are ComfyUI's palette so that files look alike everywhere. */
export const NODE_COLORS: Record<string, { color: string; bgcolor: string; groupcolor: string }> = {
  red: { color: "#322", bgcolor: "#533", groupcolor: "#A88" },
  brown: { color: "#332922", bgcolor: "#593930", groupcolor: "#b06634" },
  green: { color: "#232", bgcolor: "#353", groupcolor: "#8A8" },
  blue: { color: "#223", bgcolor: "#335", groupcolor: "#88A" },
  pale_blue: { color: "#2a363b", bgcolor: "#3f5159", groupcolor: "#3f789e" },
  cyan: { color: "#233", bgcolor: "#355", groupcolor: "#8AA" },
  purple: { color: "#323", bgcolor: "#535", groupcolor: "#a1309b" },
  yellow: { color: "#432", bgcolor: "#653", groupcolor: "#b58b2a" },
  black: { color: "#222", bgcolor: "#000", groupcolor: "#444" },
};

/** Saved colours are made for a dark canvas; on a light one their hue is kept and they become pale. */
export function adaptColor(color: string, palette: Palette, role: "body" | "title"): string {
  const key = `${color}|${palette.dark}|${role}`;
  const known = adapted.get(key);
  if (known) return known;
  const hsl = toHsl(color);
  let out = color;
  if (hsl) {
    const [h, s, l] = hsl;
    const pale = role === "body" ? 0.9 : 0.82;
    if (!palette.dark) out = `hsl(${h} ${Math.round(Math.min(s * 1.8, 0.7) * 100)}% ${Math.round((l > 0.6 ? l : pale) * 100)}%)`;
    else if (role === "title" && l < 0.3) out = `hsl(${h} ${Math.round(s * 100)}% ${Math.round((l + 0.07) * 100)}%)`;
  }
  adapted.set(key, out);
  return out;
}

const adapted = new Map<string, string>();

function toHsl(color: string): [number, number, number] | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(color);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  const parts = short ? short.slice(1).map((p) => p + p) : long?.slice(1);
  if (!parts) return null;
  const [r, g, b] = parts.map((part) => parseInt(part, 16) / 255) as [number, number, number];
  const max = Math.max(r, g, b);
  const min = Math.min(r, g, b);
  const l = (max + min) / 2;
  const d = max - min;
  if (!d) return [0, 0, l];
  const s = d / (1 - Math.abs(2 * l - 1));
  const h = max === r ? ((g - b) / d + 6) % 6 : max === g ? (b - r) / d + 2 : (r - g) / d + 4;
  return [Math.round(h * 60), s, l];
}

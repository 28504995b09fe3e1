// The style sheet of everything the view shows as DOM. Colours are the palette's, as CSS variables on the root.
import type { Palette } from "./theme";

export function paletteVariables(palette: Palette): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(palette)) {
    if (typeof value === "string") out[`--cn-${key.replace(/[A-Z]/g, (char) => `-${char.toLowerCase()}`)}`] = value;
  }
  return out;
}

export const STYLE = `
.cn-graph { position: absolute; inset: 0; overflow: hidden; font-family: var(--cn-font); contain: strict; background: var(--cn-canvas); }
.cn-graph > canvas { position: absolute; inset: 0; width: 100%; height: 100%; outline: none; touch-action: none; display: block; }
.cn-dom { position: absolute; inset: 0; pointer-events: none; overflow: hidden; z-index: 1; }
.cn-dom > * { position: absolute; left: 0; top: 0; transform-origin: 0 0; pointer-events: auto; box-sizing: border-box; margin: 0; }
.cn-dom > .cn-hidden { display: none !important; }
.cn-textarea { width: 100%; height: 100%; resize: none; border: 1px solid var(--cn-field-border); border-radius: 6px; background: var(--cn-field);
  color: var(--cn-field-text); font: 12px/1.45 var(--cn-font); padding: 6px 8px; outline: none; scrollbar-width: thin;
  scrollbar-color: var(--cn-field-border) transparent; box-sizing: border-box; display: block; }
.cn-textarea:focus { border-color: var(--cn-accent); }
.cn-textarea:disabled, .cn-textarea[readonly] { opacity: .75; }
.cn-textarea::placeholder { color: var(--cn-text-dim); }
.cn-dom > .cn-refused { outline: 2px solid var(--cn-error); border-radius: 6px; }
.cn-color { display: flex; align-items: center; gap: 8px; padding: 0 4px 0 10px; border: 1px solid var(--cn-field-border); border-radius: 6px;
  background: var(--cn-field); color: var(--cn-field-label); font: 12px var(--cn-font); }
.cn-color > span { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cn-color > input { width: 46px; height: 18px; padding: 0; border: 0; background: none; cursor: pointer; }
.cn-color.cn-odd { border-color: var(--cn-warning); }
.cn-textarea.cn-odd { border-color: var(--cn-warning); }
.cn-markdown { overflow: auto; font: 13px/1.5 var(--cn-font); color: var(--cn-field-text); padding: 4px 8px; height: 100%; box-sizing: border-box;
  scrollbar-width: thin; scrollbar-color: var(--cn-field-border) transparent; overflow-wrap: anywhere; cursor: text; }
.cn-markdown h1, .cn-markdown h2, .cn-markdown h3, .cn-markdown h4 { margin: .5em 0 .3em; line-height: 1.25; font-weight: 600; }
.cn-markdown h1 { font-size: 1.35em; } .cn-markdown h2 { font-size: 1.2em; } .cn-markdown h3, .cn-markdown h4 { font-size: 1.05em; }
.cn-markdown p, .cn-markdown ul, .cn-markdown ol, .cn-markdown pre { margin: .35em 0; }
.cn-markdown ul, .cn-markdown ol { padding-left: 1.4em; }
.cn-markdown code, .cn-markdown pre { font-family: var(--cn-mono); font-size: .92em; background: var(--cn-field); border-radius: 4px; }
.cn-markdown code { padding: 0 .3em; } .cn-markdown pre { padding: .5em .6em; overflow: auto; white-space: pre; }
.cn-markdown table { border-collapse: collapse; margin: .4em 0; } .cn-markdown th, .cn-markdown td { border: 1px solid var(--cn-field-border); padding: 2px 7px; text-align: left; }
.cn-markdown a { color: var(--cn-accent); } .cn-markdown hr { border: 0; border-top: 1px solid var(--cn-field-border); }
.cn-animated { width: 100%; height: 100%; object-fit: contain; display: block; }
.cn-players { display: flex; flex-direction: column; gap: 6px; }
.cn-players > * { width: 100%; min-height: 0; border-radius: 6px; } .cn-players > video { flex: 1; background: #000; object-fit: contain; }
.cn-players > audio { height: 40px; }
.cn-players > button { height: 34px; padding: 0 10px; border: 1px solid var(--cn-field-border); background: var(--cn-field); color: var(--cn-field-text);
  font: 12px var(--cn-font); cursor: pointer; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cn-players > button:hover { border-color: var(--cn-accent); } .cn-players > button:focus-visible { outline: 2px solid var(--cn-accent); }
.cn-players > .cn-odd { outline: 1px dashed var(--cn-warning); }
.cn-overlay { position: absolute; inset: 0; pointer-events: none; z-index: 3; overflow: hidden; }
.cn-overlay > * { pointer-events: auto; }
.cn-inline { position: absolute; box-sizing: border-box; border: 1px solid var(--cn-accent); border-radius: 6px; background: var(--cn-field);
  color: var(--cn-field-text); outline: none; padding: 0 8px; font-family: var(--cn-font); }
.cn-menu { position: absolute; min-width: 168px; max-width: 340px; overflow: auto; background: var(--cn-menu); color: var(--cn-menu-text);
  border: 1px solid var(--cn-menu-border); border-radius: 8px; box-shadow: 0 8px 28px rgba(0,0,0,.28); padding: 4px; font: 13px/1.3 var(--cn-font);
  box-sizing: border-box; outline: none; scrollbar-width: thin; }
.cn-menu-title { padding: 4px 10px 6px; color: var(--cn-text-dim); font-size: 11px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cn-menu-item { display: flex; gap: 10px; align-items: center; padding: 5px 10px; border-radius: 5px; cursor: default; user-select: none; }
.cn-menu-item > .cn-label { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cn-menu-item > .cn-hint { color: var(--cn-text-dim); font-size: 11px; }
.cn-menu-item.cn-on { background: var(--cn-menu-hover); }
.cn-menu-item[aria-disabled=true] { opacity: .45; }
.cn-menu-item.cn-danger { color: var(--cn-error); }
.cn-menu hr { border: 0; border-top: 1px solid var(--cn-menu-border); margin: 4px 6px; }
.cn-combo { display: flex; flex-direction: column; padding: 4px; overflow: hidden; }
.cn-combo > input { border: 1px solid var(--cn-field-border); border-radius: 5px; background: var(--cn-field); color: var(--cn-field-text);
  font: 13px var(--cn-font); padding: 5px 8px; outline: none; margin: 0 0 4px; min-width: 0; }
.cn-combo > input:focus { border-color: var(--cn-accent); }
.cn-combo > div { overflow: auto; position: relative; scrollbar-width: thin; }
.cn-combo .cn-menu-item { height: 26px; box-sizing: border-box; padding: 0 10px; }
.cn-combo .cn-current > .cn-label { font-weight: 600; color: var(--cn-accent); }
.cn-combo .cn-none { padding: 8px 10px; color: var(--cn-text-dim); }
.cn-tooltip { position: absolute; max-width: 320px; background: var(--cn-menu); color: var(--cn-menu-text); border: 1px solid var(--cn-menu-border);
  border-radius: 6px; padding: 6px 9px; font: 12px/1.4 var(--cn-font); pointer-events: none; white-space: pre-wrap; overflow-wrap: anywhere;
  box-shadow: 0 4px 16px rgba(0,0,0,.2); }
`;

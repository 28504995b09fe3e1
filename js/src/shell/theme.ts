// The notebook's colours and fonts, read from wherever each host keeps them, and followed while they change.

import type { HostTheme } from "../host";

/** Ours, JupyterLab's, VS Code's and Colab's name of each variable. */
const SOURCES = [
  ["--host-bg", "--jp-layout-color1", "--vscode-editor-background", "--colab-primary-surface-color"],
  ["--host-fg", "--jp-ui-font-color1", "--vscode-foreground", "--colab-primary-text-color"],
  ["--host-muted", "--jp-ui-font-color2", "--vscode-descriptionForeground", "--colab-secondary-text-color"],
  ["--host-border", "--jp-border-color1", "--vscode-panel-border", "--colab-border-color"],
  ["--host-accent", "--jp-brand-color1", "--vscode-focusBorder", "--colab-anchor-color"],
  ["--host-input-bg", "--jp-input-background", "--vscode-input-background", "--colab-secondary-surface-color"],
  ["--host-error", "--jp-error-color1", "--vscode-errorForeground", "--colab-error-color"],
  ["--host-font", "--jp-ui-font-family", "--vscode-font-family", "--colab-chrome-font-family"],
  ["--host-mono", "--jp-code-font-family", "--vscode-editor-font-family", "--colab-code-font-family"],
  ["--host-font-size", "--jp-ui-font-size1", "--vscode-font-size", ""],
] as const;

const darkScheme = () => matchMedia("(prefers-color-scheme: dark)");

export function readTheme(): HostTheme {
  const style = getComputedStyle(document.body); // not of the cell: hosts attach it later
  const value = (name: string) => name && style.getPropertyValue(name).trim();
  // VS Code's widget manager brings a light set of JupyterLab's variables along, so its own are looked for first.
  const host = [2, 3, 1].find((index) => value(SOURCES[0][index]!)) ?? 1;
  const variables: Record<string, string> = {};
  for (const names of SOURCES) {
    const found = value(names[host]!);
    if (found) variables[names[0]] = found;
  }
  return { dark: isDark(), variables };
}

export function watchTheme(changed: () => void): () => void {
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(changed, 60); // hosts change several attributes and then load a style sheet
  };
  const observer = new MutationObserver(soon);
  for (const target of [document.documentElement, document.body]) {
    observer.observe(target, { attributes: true, attributeFilter: ["class", "style", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"] });
  }
  observer.observe(document.head, { childList: true });
  const scheme = darkScheme();
  scheme.addEventListener("change", soon);
  return () => {
    clearTimeout(timer);
    observer.disconnect();
    scheme.removeEventListener("change", soon);
  };
}

function isDark(): boolean {
  const { body, documentElement } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false";
  const vscode = /\bvscode-(light|dark|high-contrast)/.exec(body.className)?.[1];
  if (vscode) return vscode !== "light" && !body.classList.contains("vscode-high-contrast-light");
  const named = documentElement.getAttribute("theme") ?? documentElement.dataset.theme;
  if (named) return named === "dark";
  const [red, green, blue, alpha = 1] = (getComputedStyle(body).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
  if (alpha > 0.5 && blue !== undefined) return 0.3 * red! + 0.6 * green! + 0.1 * blue < 128;
  return darkScheme().matches;
}

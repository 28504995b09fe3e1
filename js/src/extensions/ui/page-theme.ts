// What packs read of the page's looks: the reference's CSS variables over the editor's colours, and its classes on the body.

/** The reference's variable → the editor's colour. */
const VARIABLES: Record<string, string> = {
  "fg-color": "text", "bg-color": "bg", "comfy-menu-bg": "surface", "comfy-menu-secondary-bg": "raised", "comfy-input-bg": "raised", "input-text": "text", "descrip-text": "text-3",
  "drag-text": "text-2", "error-text": "error", "border-color": "border", "tr-even-bg-color": "surface", "tr-odd-bg-color": "raised",
  "primary-bg": "accent-solid", "primary-fg": "on-accent", "primary-hover-bg": "accent-hover", "primary-hover-fg": "on-accent",
  "content-bg": "raised", "content-fg": "text", "content-hover-bg": "hover", "content-hover-fg": "text",
  "p-content-background": "raised", "p-content-border-color": "border", "p-content-color": "text", "p-content-hover-background": "hover",
  "p-text-color": "text", "p-text-muted-color": "text-3", "p-primary-color": "accent", "p-primary-contrast-color": "on-accent", "p-surface-border": "border",
  "p-button-primary-background": "accent-solid", "p-button-primary-color": "on-accent", "p-button-secondary-background": "hover", "p-button-secondary-color": "text",
  "p-button-text-primary-color": "text-2", "p-button-text-primary-hover-background": "hover", "p-form-field-background": "bg", "p-form-field-border-color": "border-strong",
  "p-inputtext-background": "bg", "p-inputtext-color": "text", "p-inputtext-border-color": "border-strong", "p-dialog-background": "raised", "p-dialog-color": "text",
};

/** The style text that gives the page these variables. */
export function pageVariables(): string {
  const lines = Object.entries(VARIABLES).map(([name, own]) => `--${name}: var(--cn-${own});`);
  return `.cn-host { ${lines.join(" ")} --bar-shadow: var(--cn-shadow); --font-inter: var(--cn-font); --comfy-textarea-font-size: 12px; --p-border-radius-md: 6px; }`;
}

/** Keeps page and editor in the same colours; `changed` hears which. Returns how to stop. */
export function followTheme(root: HTMLElement, changed: (theme: "dark" | "light") => void): () => void {
  const page = root.ownerDocument;
  const style = page.createElement("style");
  style.textContent = pageVariables();
  page.head.append(style);
  const apply = () => {
    const light = root.dataset.theme === "light";
    page.documentElement.classList.add("cn-host");
    page.documentElement.dataset.theme = light ? "light" : "dark";
    changed(light ? "light" : "dark");
    page.body.classList.add("litegraph", "cn-host-body");
    for (const element of [page.documentElement, page.body]) element.classList.toggle("dark-theme", !light);
    for (const name of Array.from(root.style)) if (name.startsWith("--host-")) page.documentElement.style.setProperty(name, root.style.getPropertyValue(name));
  };
  apply();
  const observer = new MutationObserver(apply);
  observer.observe(root, { attributes: true, attributeFilter: ["data-theme", "style"] });
  return () => {
    observer.disconnect();
    style.remove();
  };
}

// What packs hand over: the static members of an extension, settings, tabs, messages.

export interface ExtensionCommand {
  id: string;
  label?: string | (() => string);
  function: (...args: unknown[]) => unknown;
  icon?: string | (() => string);
  tooltip?: string | (() => string);
  menubarLabel?: string | (() => string);
  active?: () => boolean;
}

export interface Keybinding {
  combo: { key: string; ctrl?: boolean; shift?: boolean; alt?: boolean; meta?: boolean };
  commandId: string;
  /** Only while the focus is in this element. */
  targetElementId?: string;
}

export interface MenuCommandGroup {
  path: string[];
  commands: string[];
}

export type SettingOption = string | number | { text: string; value?: unknown };

/** Makes the whole input of a setting, as packs did before there were types. */
export type SettingRenderer = (name: string, setter: (value: unknown) => void, value: unknown, attrs?: Record<string, unknown>) => HTMLElement;

export interface SettingParams {
  id: string;
  name?: string | HTMLElement;
  type?: string | SettingRenderer;
  defaultValue?: unknown;
  onChange?: (value: unknown, old?: unknown) => unknown;
  category?: string[];
  tooltip?: string;
  attrs?: Record<string, unknown>;
  options?: SettingOption[] | ((value: unknown) => SettingOption[]);
  experimental?: boolean;
  deprecated?: boolean;
  sortOrder?: number;
  [more: string]: unknown;
}

/** A tab of the sidebar or of the bottom panel. */
export interface TabDefinition {
  id: string;
  title?: string;
  icon?: string;
  iconBadge?: string | (() => string | null);
  tooltip?: string;
  type?: string;
  render?: (element: HTMLElement) => unknown;
  destroy?: () => unknown;
  [more: string]: unknown;
}

export interface ToastMessage {
  severity?: string;
  summary?: string;
  detail?: unknown;
  /** Milliseconds; without it the message stays until it is closed. */
  life?: number;
  closable?: boolean;
  [more: string]: unknown;
}

export interface AboutBadge {
  label: string;
  url?: string;
  icon?: string;
}

export interface TopbarBadge {
  text: string;
  label?: string;
  variant?: string;
  icon?: string;
  tooltip?: string;
}

export interface ActionBarButton {
  icon?: string;
  label?: string;
  tooltip?: string;
  class?: string;
  onClick?: (event: MouseEvent) => unknown;
}

/** The members of an extension that are shown or listed, not called at a moment of the graph's life. */
export interface ExtensionStatics {
  name: string;
  commands?: ExtensionCommand[];
  keybindings?: Keybinding[];
  menuCommands?: MenuCommandGroup[];
  settings?: SettingParams[];
  bottomPanelTabs?: TabDefinition[];
  sidebarTabs?: TabDefinition[];
  aboutPageBadges?: AboutBadge[];
  topbarBadges?: TopbarBadge[];
  actionBarButtons?: ActionBarButton[];
  getSelectionToolboxCommands?: (item: unknown) => string[] | undefined;
}

// The modules that packs import from their host. Each hands out what hangs at `window.comfyAPI.<name>`; whoever owns a
// module publishes an object of its exports under that name.

/** What packs see of a module: exports by name. */
export type Exports = Record<string, unknown>;
export type ComfyAPI = Record<string, Exports>;

declare global {
  interface Window {
    comfyAPI?: ComfyAPI;
  }
}

/** Path of a host module → the name of its exports. Modules of one file name share an object, as in ComfyUI. */
export const HOST_MODULES: Readonly<Record<string, string>> = {
  "/scripts/api.js": "api",
  "/scripts/app.js": "app",
  "/scripts/changeTracker.js": "changeTracker",
  "/scripts/defaultGraph.js": "defaultGraph",
  "/scripts/domWidget.js": "domWidget",
  "/scripts/pnginfo.js": "pnginfo",
  "/scripts/ui.js": "ui",
  "/scripts/utils.js": "utils",
  "/scripts/widgets.js": "widgets",
  "/scripts/metadata/avif.js": "avif",
  "/scripts/metadata/ebml.js": "ebml",
  "/scripts/metadata/flac.js": "flac",
  "/scripts/metadata/gltf.js": "gltf",
  "/scripts/metadata/isobmff.js": "isobmff",
  "/scripts/metadata/mp3.js": "mp3",
  "/scripts/metadata/ogg.js": "ogg",
  "/scripts/metadata/png.js": "png",
  "/scripts/metadata/svg.js": "svg",
  "/scripts/metadata/webp.js": "webp",
  "/scripts/ui/dialog.js": "dialog",
  "/scripts/ui/draggableList.js": "draggableList",
  "/scripts/ui/imagePreview.js": "imagePreview",
  "/scripts/ui/settings.js": "settings",
  "/scripts/ui/toggleSwitch.js": "toggleSwitch",
  "/scripts/ui/utils.js": "utils",
  "/scripts/ui/components/asyncDialog.js": "asyncDialog",
  "/scripts/ui/components/button.js": "button",
  "/scripts/ui/components/buttonGroup.js": "buttonGroup",
  "/scripts/ui/components/popup.js": "popup",
  "/scripts/ui/components/splitButton.js": "splitButton",
  "/scripts/ui/menu/index.js": "index",
  "/extensions/core/clipspace.js": "clipspace",
  "/extensions/core/contextMenuFilter.js": "contextMenuFilter",
  "/extensions/core/dynamicPrompts.js": "dynamicPrompts",
  "/extensions/core/editAttention.js": "editAttention",
  "/extensions/core/groupNode.js": "groupNode",
  "/extensions/core/groupNodeManage.js": "groupNodeManage",
  "/extensions/core/groupOptions.js": "groupOptions",
  "/extensions/core/maskEditorOld.js": "maskEditorOld",
  "/extensions/core/maskeditor.js": "maskeditor",
  "/extensions/core/nodeTemplates.js": "nodeTemplates",
  "/extensions/core/noteNode.js": "noteNode",
  "/extensions/core/previewAny.js": "previewAny",
  "/extensions/core/rerouteNode.js": "rerouteNode",
  "/extensions/core/saveImageExtraOutput.js": "saveImageExtraOutput",
  "/extensions/core/simpleTouchSupport.js": "simpleTouchSupport",
  "/extensions/core/slotDefaults.js": "slotDefaults",
  "/extensions/core/uploadAudio.js": "uploadAudio",
  "/extensions/core/uploadImage.js": "uploadImage",
  "/extensions/core/webcamCapture.js": "webcamCapture",
  "/extensions/core/widgetInputs.js": "widgetInputs",
};

/** Adds exports to `window.comfyAPI`; a name that is published twice keeps both sets. */
export function publish(window: Window, exports: ComfyAPI): void {
  const all = (window.comfyAPI ??= {});
  for (const [name, values] of Object.entries(exports)) Object.assign((all[name] ??= {}), values);
}

/** Whether a path belongs to the host rather than to a pack. */
export function isHostPath(path: string): boolean {
  return path.startsWith("/scripts/") || path.startsWith("/extensions/core/");
}

/**
 * The source of a host module, and which of the `wanted` names it lacks. These are there all the same, undefined: a pack
 * that can do without one still loads.
 */
export function hostModule(path: string, wanted: Iterable<string>, all: ComfyAPI): { code: string; lacking: string[] } {
  const module = HOST_MODULES[path] ?? "";
  const has = new Set(Object.keys(all[module] ?? {}));
  const lacking = [...new Set(wanted)].filter((name) => !has.has(name));
  const lines = [...has].map((name, index) => `const e${index} = from[${JSON.stringify(name)}];`);
  const exported = [...has].map((name, index) => `e${index} as ${JSON.stringify(name)}`);
  if (lacking.length) lines.push("const absent = undefined;");
  exported.push(...lacking.map((name) => `absent as ${JSON.stringify(name)}`));
  const code = `const from = window.comfyAPI[${JSON.stringify(module)}] ?? {};\n${lines.join("\n")}\nexport { ${exported.join(", ")} };`;
  return { code, lacking };
}

// What the packs' scripts may ask of the editor.

import type { NodeInfo } from "../graph";
import type { Editor } from "./editor";
import type { ScriptPorts } from "./pack-scripts";
import type { Document } from "./patch";

export function scriptPorts(editor: Editor, definitions: Record<string, NodeInfo>): ScriptPorts {
  const { parts, view, workspace, files, runs } = editor;
  return {
    host: parts.host, view, whole: editor, definitions,
    isolated: !parts.root.closest(".comfy-notebook-direct"),
    defined: (set, remove) => editor.definitions.defined(set, remove),
    offerOtherTypes: () => editor.definitions.offerOthers(),
    convert: (document, values) => parts.api.convert(document, values),
    hasBegun: () => workspace.hasBegun,
    begin: (document) => {
      workspace.begin(document as unknown as Document);
      editor.opened();
    },
    load: (document) => workspace.load(document as unknown as Document),
    look: () => workspace.look(),
    openFile: (file) => files.take(file),
    start: (options, count) => runs.start({ count, ...options }),
    notify: (severity, summary, detail) => editor.notify(severity, summary, detail),
    problem: (source, error, pack) => editor.packProblems.add(source, error, pack),
    offerReload: () => editor.offerReload(),
  };
}

// All style sheets of the editor as one text; every rule is inside .cn-editor, but for packs' elements, which stand anywhere
// in the editor's own page.

import base from "./styles/base.css";
import dialogs from "./styles/dialogs.css";
import mask from "./styles/mask.css";
import packs from "./styles/packs.css";
import panels from "./styles/panels.css";
import search from "./styles/search.css";
import toolbar from "./styles/toolbar.css";

export const styleText = [base, toolbar, search, panels, dialogs, mask, packs].join("\n");

/** The key of a document's `extra` for what packs know of their virtual nodes (`extensions/leads.ts`); Python reads it. */
export const LEADS = "comfy_notebook";

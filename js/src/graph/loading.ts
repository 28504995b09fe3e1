/** While a document is put together: links appear before their nodes, sizes are the file's. Whoever settles waits. */
export const loading = {
  on: false,
  /** The values of subgraph instances in this document follow their list of promoted widgets; null: it does not say. */
  valuesFollowList: false as boolean | null,
};

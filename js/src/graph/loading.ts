/** While a document is put together: links appear before their nodes, sizes are the file's. Whoever settles waits. */
export const loading = { on: false };

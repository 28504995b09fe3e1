// Fields in texts such as file names: `%date:yyyy-MM-dd%` and `%Node.widget%`.

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- live nodes of the graph

/** Tokens: yyyy yy M MM d dd h hh (24 hours) m mm s ss. */
export function formatDate(pattern: string, date: Date): string {
  const parts: Record<string, number> = { M: date.getMonth() + 1, d: date.getDate(), h: date.getHours(), m: date.getMinutes(), s: date.getSeconds() };
  return pattern.replace(/yyyy|yy|M{1,2}|d{1,2}|h{1,2}|m{1,2}|s{1,2}/g, (token) =>
    token.startsWith("y") ? String(date.getFullYear()).padStart(4, "0").slice(-token.length) : String(parts[token[0]!]).padStart(token.length, "0"));
}

/** `where` is the app or a graph; a node is found by "Node name for S&R", else by its title. What is unknown stays. */
export function applyTextReplacements(where: Any, text: string): string {
  const graph = where?.graph?._nodes ? where.graph : (where?.rootGraph ?? where);
  const nodes: Any[] = graph?._nodes ?? [];
  return String(text).replace(/%([^%]+)%/g, (field, inner: string) => {
    if (inner.startsWith("date:")) return formatDate(inner.slice(5), new Date());
    const [name, widgetName, ...more] = inner.split(".");
    if (!name || !widgetName || more.length) return field;
    const byProperty = nodes.filter((node) => node.properties?.["Node name for S&R"] === name);
    const found = byProperty.length ? byProperty : nodes.filter((node) => node.title === name);
    const value: unknown = found[0]?.widgets?.find((widget: Any) => widget.name === widgetName)?.value;
    return value === undefined || value === null ? field : String(value).replace(/[/?<>\\:*|"\x00-\x1f\x7f]/g, "_");
  });
}

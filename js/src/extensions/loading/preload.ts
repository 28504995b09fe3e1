// Fetching modules before any is evaluated, so that they are evaluated in their order and not as they happen to arrive.

/** What takes longer, another site's module perhaps, is not waited for. */
const PATIENCE_MS = 3000;

export async function preload(urls: string[], document: Document): Promise<void> {
  const links = urls.map((url) => Object.assign(document.createElement("link"), { rel: "modulepreload", href: url }));
  if (!links[0]?.relList.supports("modulepreload")) return;
  const settled = links.map((link) => new Promise((resolve) => (link.onload = link.onerror = resolve)));
  document.head.append(...links);
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([Promise.all(settled), new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
  clearTimeout(timer);
  for (const link of links) link.remove();
}

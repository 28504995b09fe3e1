// A small, safe Markdown: builds elements with textContent, so a workflow's text can never become markup.

/** Replaces the content of `target`. Headings, lists, rules, code, bold, italic, links (http and https only), images as links. */
export function renderMarkdown(target: HTMLElement, source: string): void {
  target.replaceChildren();
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  let paragraph: string[] = [];
  let list: HTMLElement | null = null;
  const flush = (): void => {
    if (paragraph.length) {
      const p = document.createElement("p");
      paragraph.forEach((line, i) => {
        if (i) p.append(document.createElement("br"));
        inline(p, line);
      });
      target.append(p);
    }
    paragraph = [];
    list = null;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const item = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      flush();
      const code: string[] = [];
      while (++i < lines.length && !/^\s*```/.test(lines[i] as string)) code.push(lines[i] as string);
      const pre = document.createElement("pre");
      pre.textContent = code.join("\n");
      target.append(pre);
    } else if (line.includes("|") && /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/.test(lines[i + 1] ?? "")) {
      flush();
      const rows = [line];
      for (i += 2; i < lines.length && (lines[i] as string).includes("|"); i++) rows.push(lines[i] as string);
      i -= 1;
      target.append(table(rows));
    } else if (heading) {
      flush();
      const element = document.createElement(`h${Math.min((heading[1] as string).length, 4)}`);
      inline(element, heading[2] as string);
      target.append(element);
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      flush();
      target.append(document.createElement("hr"));
    } else if (item) {
      const tag: string = item[1] ? "OL" : "UL";
      const current = list as HTMLElement | null;
      if (!current || current.tagName !== tag) {
        flush();
        list = document.createElement(tag);
        target.append(list);
      }
      const li = document.createElement("li");
      inline(li, item[2] as string);
      (list as unknown as HTMLElement).append(li);
    } else if (!line.trim()) flush();
    else {
      list = null;
      paragraph.push(line);
    }
  }
  flush();
}

function table(rows: string[]): HTMLElement {
  const out = document.createElement("table");
  rows.forEach((row, i) => {
    const tr = document.createElement("tr");
    for (const text of row.trim().replace(/^\||\|$/g, "").split("|")) {
      const cell = document.createElement(i ? "td" : "th");
      inline(cell, text.trim());
      tr.append(cell);
    }
    out.append(tr);
  });
  return out;
}

const INLINE = /(`+)(.+?)\1|!?\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)|\*\*(.+?)\*\*|__(.+?)__|\*(?!\s)(.+?)\*|(https?:\/\/[^\s<>")\]]+)/;

function inline(target: HTMLElement, text: string): void {
  let rest = text;
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    target.append(rest.slice(0, match.index));
    const [whole, , code, label, url, bold, bold2, italic, bare] = match;
    if (code !== undefined) target.append(element("code", code));
    else if (url !== undefined) target.append(link(label || url, url));
    else if (bare !== undefined) target.append(link(bare, bare));
    else {
      const styled = document.createElement(italic !== undefined ? "em" : "strong");
      inline(styled, (italic ?? bold ?? bold2) as string);
      target.append(styled);
    }
    rest = rest.slice(match.index + whole.length);
  }
  target.append(rest);
}

function link(label: string, url: string): HTMLElement {
  if (!/^https?:\/\//i.test(url)) return element("span", label);
  const anchor = document.createElement("a");
  anchor.textContent = label;
  anchor.href = url;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

function element(tag: string, text: string): HTMLElement {
  const out = document.createElement(tag);
  out.textContent = text;
  return out;
}

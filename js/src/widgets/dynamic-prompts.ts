// Dynamic prompts: `{red|green|{dark|light} blue}` picks one alternative each time a prompt is queued.

/** Removes comments, then picks. `\{`, `\}` and `\|` stand for the characters themselves; other backslashes stay. */
export function expandDynamicPrompt(text: string, random: () => number = Math.random): string {
  const source = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const reader = { source, at: 0, random };
  let out = "";
  while (reader.at < source.length) {
    out += readUntil(reader, "");
    // a closing brace or bar without an opening one is ordinary text
    if (reader.at < source.length) out += source[reader.at++];
  }
  return out;
}

interface Reader {
  source: string;
  at: number;
  random: () => number;
}

function readUntil(reader: Reader, stops: string): string {
  let out = "";
  while (reader.at < reader.source.length) {
    const char = reader.source[reader.at] as string;
    const next = reader.source[reader.at + 1];
    if (char === "\\" && next !== undefined && "{}|".includes(next)) {
      out += next;
      reader.at += 2;
    } else if (char === "{") {
      out += readChoice(reader);
    } else if (stops.includes(char)) {
      break;
    } else {
      out += char;
      reader.at += 1;
    }
  }
  return out;
}

function readChoice(reader: Reader): string {
  const start = reader.at;
  reader.at += 1;
  const choices: string[] = [];
  for (;;) {
    choices.push(readUntil(reader, "|}"));
    const char = reader.source[reader.at];
    reader.at += 1;
    if (char === "}") return choices[Math.min(Math.floor(reader.random() * choices.length), choices.length - 1)] as string;
    if (char === undefined) {
      reader.at = reader.source.length;
      return reader.source.slice(start); // never closed: plain text
    }
  }
}

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { apply, diff, PatchError, type Document, type Patch } from "../../src/editor/patch";

const fixtures = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/fixtures");
const read = (name: string) => JSON.parse(readFileSync(join(fixtures, name), "utf8"));
interface Case { name: string; before: Document; patch: Patch; after: Document }

describe("patches shared with Python", () => {
  for (const { name, before, patch, after } of read("patches.json") as Case[]) {
    it(name, () => {
      const untouched = structuredClone(before);
      expect(apply(before, patch)).toEqual(after);
      expect(before).toEqual(untouched);
      expect(apply(before, diff(before, after))).toEqual(after);
      expect(diff(after, after)).toEqual({});
      // The order of list entries counts.
      expect(JSON.stringify((apply(before, patch).nodes as unknown[])?.map((node) => (node as { id: string }).id))).toBe(
        JSON.stringify((after.nodes as unknown[])?.map((node) => (node as { id: string }).id)),
      );
    });
  }
  for (const { name, before, patch } of read("patches_rejected.json") as Case[]) {
    it(`refuses: ${name}`, () => {
      const untouched = structuredClone(before);
      expect(() => apply(before, patch)).toThrow(PatchError);
      expect(before).toEqual(untouched);
    });
  }
});

describe("random documents", () => {
  it("apply(a, diff(a, b)) is b", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    const document = (): Document => ({
      nodes: [...new Set(Array.from({ length: random(8) }, () => random(9)))].map((id) => ({ id, mode: random(3) })),
      links: [...new Set(Array.from({ length: random(6) }, () => random(9)))].map((id) => [id, random(3), 0, random(3), 0, "A"]),
      ...(random(2) && { extra: { a: random(3) } }),
      ...(random(2) && { groups: [] }),
    });
    for (let round = 0; round < 500; round++) {
      const [a, b] = [document(), document()];
      expect(apply(a, diff(a, b))).toEqual(b);
    }
  });
});

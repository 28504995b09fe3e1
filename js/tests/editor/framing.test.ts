import { describe, expect, it } from "vitest";
import { isWellFramed } from "../../src/editor/framing";

describe("isWellFramed", () => {
  it.each([
    ["all of the graph in a large view", [100, 100, 200, 100], [0, 0, 1000, 600], true],
    ["zoomed into a part", [0, 0, 5000, 4000], [1000, 1000, 400, 300], true],
    ["the graph begins in the lower right corner", [600, 400, 3000, 2000], [0, 0, 1000, 600], false],
    ["the graph is elsewhere", [9000, 9000, 500, 500], [0, 0, 1000, 600], false],
    ["a corner of it is cut off", [-20, 0, 400, 300], [0, 0, 1000, 600], true],
  ] as const)("%s", (_, content, visible, expected) => {
    expect(isWellFramed({ content: [...content], visible: [...visible] })).toBe(expected);
  });
});

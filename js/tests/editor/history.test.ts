import { describe, expect, it } from "vitest";
import { History } from "../../src/editor/history";
import type { Document } from "../../src/editor/patch";

const node = (id: number, more = {}) => ({ id, type: "A", pos: [0, 0], widgets_values: [""], ...more });
const documentOf = (...nodes: unknown[]): Document => ({ nodes, links: [], extra: {} });

const setUp = (start = documentOf(node(1), node(2))) => {
  const clock = { at: 0 };
  const history = new History(start, () => clock.at);
  return { start, clock, history };
};

describe("undo and redo", () => {
  it("steps back and forth", () => {
    const { start, history } = setUp();
    const moved = documentOf(node(1, { pos: [5, 5] }), node(2));
    const removed = documentOf(node(1, { pos: [5, 5] }));
    history.record(moved);
    history.record(removed);
    expect(history.undo()).toEqual(moved);
    expect(history.undo()).toEqual(start);
    expect(history.undo()).toBeNull();
    expect(history.redo()).toEqual(moved);
    expect(history.redo()).toEqual(removed);
    expect(history.redo()).toBeNull();
  });

  it("a new edit forgets what was undone", () => {
    const { history } = setUp();
    history.record(documentOf(node(1)));
    history.undo();
    history.record(documentOf(node(2)));
    expect(history.canRedo).toBe(false);
  });

  it("typing into a node is one step, until a pause or another node", () => {
    const { start, clock, history } = setUp();
    for (const text of ["h", "he", "hel"]) {
      clock.at += 200;
      history.record(documentOf(node(1, { widgets_values: [text] }), node(2)));
    }
    clock.at += 5000;
    history.record(documentOf(node(1, { widgets_values: ["hello"] }), node(2)));
    history.record(documentOf(node(1, { widgets_values: ["hello"] }), node(2, { widgets_values: ["x"] })));
    expect(history.undo()).toEqual(documentOf(node(1, { widgets_values: ["hello"] }), node(2)));
    expect(history.undo()).toEqual(documentOf(node(1, { widgets_values: ["hel"] }), node(2)));
    expect(history.undo()).toEqual(start);
  });

  it("moves are never joined with typing", () => {
    const { history } = setUp();
    history.record(documentOf(node(1, { widgets_values: ["a"] }), node(2)));
    history.record(documentOf(node(1, { widgets_values: ["a"], pos: [1, 1] }), node(2)));
    expect(history.undo()).toEqual(documentOf(node(1, { widgets_values: ["a"] }), node(2)));
  });

  it("panning is no step", () => {
    const { history } = setUp();
    expect(history.record({ ...documentOf(node(1), node(2)), extra: { ds: { scale: 2 } } })).toBe(false);
    expect(history.canUndo).toBe(false);
  });

  it("opening another workflow is a step; a change of the kernel is none, and steps apply on top of it", () => {
    const { start, history } = setUp();
    history.record(documentOf(node(7), node(8)));
    history.rebase(documentOf(node(7), node(8), node(9)));
    const back = history.undo() as { nodes: { id: number }[] };
    expect(back.nodes.map(({ id }) => id).sort()).toEqual([1, 2, 9]);
    history.rebase(back as unknown as Document);
    expect((history.redo() as { nodes: unknown[] }).nodes.length).toBe(3);
    expect(start.nodes).toHaveLength(2);
  });
});

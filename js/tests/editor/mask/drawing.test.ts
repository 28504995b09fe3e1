import { describe, expect, it } from "vitest";
import { Drawing } from "../../../src/editor/mask/drawing";
import { MaskHistory } from "../../../src/editor/mask/history";
import { Raster, type Spot } from "../../../src/editor/mask/raster";
import { fillArea, fillPolygon, rectangle } from "../../../src/editor/mask/shapes";
import { blended, strength, Stroke, type Brush } from "../../../src/editor/mask/stroke";
import type { Tool } from "../../../src/editor/mask/tools";

const HARD: Brush = { size: 40, hardness: 1, opacity: 1, erase: false };
const quiet = () => undefined;
const sum = (mask: Raster) => mask.data.reduce((total, value) => total + value, 0) / 255;
const at = (mask: Raster, x: number, y: number) => mask.data[y * mask.width + x] as number;

function drawn(brush: Partial<Brush>, spots: Spot[], mask = new Raster(200, 160)): Raster {
  const stroke = new Stroke(mask, { ...HARD, ...brush });
  for (const spot of spots) stroke.to(spot);
  return mask;
}

describe("the brush", () => {
  it.each([[0.5, 0], [1, 0.5], [1, 1], [30, 0], [30, 0.8], [30, 1]])("radius %f, hardness %f: full in the middle, half in the middle of the edge, nothing outside", (radius, hardness) => {
    const inner = Math.min(radius * hardness, radius - 0.5);
    expect(strength(0, radius, hardness)).toBe(1);
    expect(strength((inner + radius + 0.5) / 2, radius, hardness)).toBeCloseTo(0.5, 9);
    expect(strength(radius + 0.5, radius, hardness)).toBe(0);
    const values = Array.from({ length: 50 }, (_, i) => strength((i / 49) * (radius + 1), radius, hardness));
    expect(values.every((value, i) => i === 0 || value <= (values[i - 1] as number))).toBe(true);
  });

  it("a press is a disc, a drag a disc pulled along a line", () => {
    expect(sum(drawn({}, [{ x: 80, y: 70 }]))).toBeCloseTo(Math.PI * 20 ** 2, -1);
    expect(sum(drawn({}, [{ x: 60, y: 60 }, { x: 140, y: 60 }]))).toBeCloseTo(Math.PI * 20 ** 2 + 80 * 40, -1);
    expect(sum(drawn({}, [{ x: 50, y: 50 }, { x: 110, y: 90 }]))).toBeCloseTo(Math.PI * 20 ** 2 + Math.hypot(60, 40) * 40, -1);
  });

  it("does not depend on how many events there were, and counts once where it passes often", () => {
    const few = drawn({ hardness: 0.2, opacity: 0.5 }, [{ x: 40, y: 40 }, { x: 140, y: 100 }]);
    const many = drawn({ hardness: 0.2, opacity: 0.5 }, [...Array.from({ length: 101 }, (_, i) => ({ x: 40 + i, y: 40 + i * 0.6 })), { x: 40, y: 40 }]);
    expect(Math.max(...many.data.map((value, i) => Math.abs(value - (few.data[i] as number))))).toBeLessThanOrEqual(1);
    expect(at(few, 90, 70)).toBe(128);
  });

  it.each([[0, 0.5, false, 128], [128, 0.5, false, 192], [128, 0.5, true, 64], [255, 1, true, 0], [7, 0, true, 7]])("%i with %f, erasing: %s, gives %i", (value, amount, erase, result) => {
    expect(blended(value, amount, erase)).toBe(result);
  });

  it("erases what it drew, stops at the border, and is thin where the pen is light", () => {
    const mask = drawn({}, [{ x: -5, y: -5 }, { x: 30, y: 30 }]);
    expect(at(mask, 0, 0)).toBe(255);
    drawn({ erase: true, size: 60 }, [{ x: -5, y: -5 }, { x: 30, y: 30 }], mask);
    expect(sum(mask)).toBe(0);
    const stroke = new Stroke(mask, HARD);
    stroke.to({ x: 100, y: 80 }, 0.5);
    expect(sum(mask)).toBeCloseTo(Math.PI * 10 ** 2, -1);
    expect(new Stroke(mask, HARD).to({ x: 900, y: 900 })).toBeNull();
  });
});

describe("areas", () => {
  const ink = { opacity: 1, erase: false };

  it("a rectangle is exact, whichever corner comes first", () => {
    for (const [a, b] of [[{ x: 10, y: 20 }, { x: 50, y: 60 }], [{ x: 50, y: 20 }, { x: 10, y: 60 }], [{ x: -40, y: 20 }, { x: 50, y: 60 }]] as [Spot, Spot][]) {
      const mask = new Raster(100, 80);
      fillPolygon(mask, rectangle(a, b), ink, quiet);
      expect(sum(mask)).toBe((Math.max(a.x, b.x) - Math.max(0, Math.min(a.x, b.x))) * 40);
      expect([at(mask, 49, 20), at(mask, 50, 20), at(mask, 49, 59), at(mask, 49, 60)]).toEqual([255, 0, 255, 0]);
    }
  });

  it("a lasso fills its area (shoelace)", () => {
    const corners = [{ x: 10, y: 10 }, { x: 150, y: 25 }, { x: 120, y: 130 }, { x: 70, y: 60 }, { x: 20, y: 140 }];
    const shoelace = corners.reduce((total, a, i) => total + a.x * (corners[(i + 1) % 5] as Spot).y - (corners[(i + 1) % 5] as Spot).x * a.y, 0) / 2;
    const mask = new Raster(200, 160);
    fillPolygon(mask, corners, { opacity: 0.5, erase: false }, quiet);
    expect(sum(mask) / (128 / 255)).toBeCloseTo(Math.abs(shoelace), -2);
    expect(at(mask, 70, 100)).toBe(0);
    expect(fillPolygon(mask, corners.slice(0, 2), ink, quiet)).toBeNull();
  });

  it("an outline is filled up to its soft edge, and what was filled can be emptied", () => {
    const mask = drawn({ size: 8, hardness: 0.3 }, Array.from({ length: 65 }, (_, i) => ({ x: 100 + 50 * Math.cos((i / 32) * Math.PI), y: 80 + 50 * Math.sin((i / 32) * Math.PI) })));
    const before = sum(mask);
    expect(fillArea(mask, { x: 100, y: 80 }, ink, quiet)).not.toBeNull();
    for (let x = 52; x <= 148; x++) expect(at(mask, x, 80)).toBeGreaterThan(250);
    expect([at(mask, 5, 5), sum(mask) > before + 6000]).toEqual([0, true]);
    fillArea(mask, { x: 100, y: 80 }, { opacity: 1, erase: true }, quiet);
    expect(sum(mask)).toBe(0);
    expect(fillArea(mask, { x: -1, y: 0 }, ink, quiet)).toBeNull();
  });

  it("fills what a search pixel by pixel finds", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 20; round++) {
      const mask = new Raster(23, 17, Uint8Array.from({ length: 23 * 17 }, () => (random() < 0.4 ? 255 : 0)));
      const start: Spot = { x: Math.floor(random() * 23), y: Math.floor(random() * 17) };
      const expected = mask.data.slice();
      const queue = [start];
      for (let spot = queue.pop(); spot; spot = queue.pop()) {
        if (spot.x < 0 || spot.y < 0 || spot.x > 22 || spot.y > 16 || expected[spot.y * 23 + spot.x] === 255) continue;
        expected[spot.y * 23 + spot.x] = 255;
        queue.push({ x: spot.x + 1, y: spot.y }, { x: spot.x - 1, y: spot.y }, { x: spot.x, y: spot.y + 1 }, { x: spot.x, y: spot.y - 1 });
      }
      fillArea(mask, start, ink, quiet);
      expect(mask.data).toEqual(expected);
    }
  });
});

describe("steps", () => {
  const draw = (drawing: Drawing, tool: Tool, spots: Spot[], brush: Partial<Brush> = {}) => {
    drawing.begin(tool, { ...HARD, ...brush }, spots[0] as Spot);
    for (const spot of spots.slice(1)) drawing.move(spot);
    drawing.end();
  };

  it("undo goes back through all of them, redo forth", () => {
    const mask = new Raster(120, 90, Uint8Array.from({ length: 120 * 90 }, (_, i) => i % 251));
    const drawing = new Drawing(mask, quiet);
    const states = [mask.data.slice()];
    const steps = [
      () => draw(drawing, "brush", [{ x: 20, y: 20 }, { x: 60, y: 50 }], { hardness: 0.4 }),
      () => draw(drawing, "eraser", [{ x: 60, y: 20 }, { x: 20, y: 50 }], { erase: true }),
      () => draw(drawing, "rectangle", [{ x: 70, y: 10 }, { x: 200, y: 40 }]),
      () => drawing.invert(),
      () => draw(drawing, "lasso", [{ x: 5, y: 5 }, { x: 100, y: 10 }, { x: 50, y: 80 }]),
      () => draw(drawing, "fill", [{ x: 1, y: 88 }]),
      () => drawing.clear(),
    ];
    for (const step of steps) {
      step();
      states.push(mask.data.slice());
    }
    expect(mask.data.every((value) => value === 0)).toBe(true);
    for (let i = steps.length - 1; i >= 0; i--) {
      drawing.undo();
      expect(mask.data).toEqual(states[i]);
    }
    expect([drawing.canUndo, drawing.canRedo, drawing.edited]).toEqual([false, true, false]);
    for (let i = 1; i <= steps.length; i++) {
      drawing.redo();
      expect(mask.data).toEqual(states[i]);
    }
    drawing.undo();
    drawing.invert();
    expect([drawing.canRedo, drawing.edited]).toEqual([false, true]);
  });

  it("a drag that is broken off leaves nothing behind", () => {
    const mask = new Raster(60, 60);
    const drawing = new Drawing(mask, quiet);
    for (const tool of ["brush", "rectangle"] as const) {
      drawing.begin(tool, HARD, { x: 10, y: 10 });
      drawing.move({ x: 40, y: 40 });
      expect(drawing.busy).toBe(true);
      drawing.abort();
    }
    expect([sum(mask), drawing.canUndo, drawing.busy]).toEqual([0, false, false]);
  });

  it("a straight line goes on from the last stroke", () => {
    const mask = new Raster(120, 60);
    const drawing = new Drawing(mask, quiet);
    draw(drawing, "brush", [{ x: 20, y: 30 }], { size: 10 });
    drawing.begin("brush", { ...HARD, size: 10 }, { x: 100, y: 30 }, { straight: true });
    drawing.end();
    expect([at(mask, 60, 30), at(mask, 60, 40)]).toEqual([255, 0]);
  });

  it("the oldest go when they need too much memory", () => {
    const mask = new Raster(10, 10);
    const history = new MaskHistory(mask, 250);
    for (const value of [1, 2, 3, 4]) {
      history.record(mask.all);
      mask.data.fill(value);
    }
    expect([history.undo(), history.undo(), history.undo()].map(Boolean)).toEqual([true, true, false]);
    expect(mask.data[0]).toBe(2);
  });
});

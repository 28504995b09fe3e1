import { describe, expect, it } from "vitest";
import { fitted, moved, resized, toPicture, zoomed } from "../../../src/editor/mask/placing";
import { pixels, positionOf, sizeAt, stepped, storedSettings, storeSettings } from "../../../src/editor/mask/tools";

const STAGE = { width: 800, height: 400 };

describe("where the picture lies", () => {
  it.each([[4096, 4096], [64, 64], [3000, 200], [10, 5000]])("%i × %i is shown whole, in the middle", (width, height) => {
    const { scale, left, top } = fitted(STAGE, { width, height });
    expect(scale).toBeLessThanOrEqual(8);
    expect(left).toBeCloseTo(800 - (left + width * scale), 9);
    expect(top).toBeCloseTo(400 - (top + height * scale), 9);
    expect(Math.min(left, top)).toBeGreaterThanOrEqual(11.99);
  });

  it("what is under the pointer stays there when it zooms", () => {
    const picture = { width: 1000, height: 500 };
    let placing = fitted(STAGE, picture);
    const about = { x: 300, y: 150 };
    const before = toPicture(placing, about);
    for (const factor of [1.5, 2, 3, 0.4]) {
      placing = zoomed(placing, factor, about, STAGE, picture);
      expect(toPicture(placing, about).x).toBeCloseTo(before.x, 6);
      expect(toPicture(placing, about).y).toBeCloseTo(before.y, 6);
    }
    expect(zoomed(placing, 1e9, about, STAGE, picture).scale).toBe(32);
  });

  it("can't be pushed out of sight", () => {
    const picture = { width: 600, height: 300 };
    for (const [dx, dy] of [[9e9, 0], [-9e9, 0], [0, 9e9], [0, -9e9]] as const) {
      const { left, top, scale } = moved(fitted(STAGE, picture), dx, dy, STAGE, picture);
      expect(left).toBeLessThanOrEqual(STAGE.width - 48);
      expect(left + 600 * scale).toBeGreaterThanOrEqual(48);
      expect(top).toBeLessThanOrEqual(STAGE.height - 48);
      expect(top + 300 * scale).toBeGreaterThanOrEqual(48);
    }
  });

  it("keeps its middle when the stage grows", () => {
    const picture = { width: 600, height: 300 };
    const placing = zoomed(fitted(STAGE, picture), 2, { x: 100, y: 100 }, STAGE, picture);
    const grown = resized(placing, STAGE, { width: 1000, height: 500 }, picture);
    expect(toPicture(grown, { x: 500, y: 250 })).toEqual(toPicture(placing, { x: 400, y: 200 }));
  });
});

describe("the brush's size", () => {
  it("is at least a pixel, and the slider's ends are a pixel and the whole picture", () => {
    expect([pixels(0, 4096), pixels(0.5, 512), sizeAt(0, 900), sizeAt(1, 900)]).toEqual([1, 256, 1, 900]);
    for (const size of [1, 7, 60, 512]) expect(sizeAt(positionOf(size, 512), 512)).toBe(size);
    expect([stepped(1, false, 64), stepped(1, true, 64), stepped(50, true, 64), stepped(64, true, 64), stepped(50, false, 64)]).toEqual([1, 2, 55, 64, 45]);
  });

  it("settings are kept but for the tool; what is stored wrongly is left out", () => {
    const kept = new Map<string, string>();
    const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
    const settings = storedSettings(storage);
    storeSettings(storage, { ...settings, tool: "fill", size: 0.25, color: "#00ff00" });
    expect(storedSettings(storage)).toEqual({ ...settings, size: 0.25, color: "#00ff00" });
    for (const bad of ["{", "null", '{"size": "9", "hardness": 7, "color": "red"}']) {
      for (const key of kept.keys()) kept.set(key, bad);
      expect(storedSettings(storage)).toEqual(settings);
    }
  });
});

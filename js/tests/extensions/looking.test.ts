// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keepLooking } from "../../src/extensions/looking";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("looks now and then, soon after a gesture, and no more once it is stopped", () => {
  const look = vi.fn();
  const stop = keepLooking(window, look);
  vi.advanceTimersByTime(10);
  expect(look).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 10; i++) {
    document.body.dispatchEvent(new Event("input", { bubbles: true }));
    vi.advanceTimersByTime(100);
  }
  expect(look).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(160);
  expect(look).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(1900);
  expect(look).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(200);
  expect(look).toHaveBeenCalledTimes(3);
  stop();
  document.body.dispatchEvent(new Event("pointerup", { bubbles: true }));
  vi.advanceTimersByTime(10_000);
  expect(look).toHaveBeenCalledTimes(3);
});

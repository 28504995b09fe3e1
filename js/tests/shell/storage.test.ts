import { describe, expect, it } from "vitest";
import { ensureStorage } from "../../src/shell/storage";

function denied(): Window {
  const refuse = { configurable: true, get: () => { throw new DOMException("Access is denied", "SecurityError"); } };
  return Object.defineProperties({}, { localStorage: refuse, sessionStorage: refuse }) as Window;
}

describe("ensureStorage", () => {
  it("stands in where storage is denied", () => {
    const win = denied();
    ensureStorage(win);
    const { localStorage } = win;
    localStorage.setItem("a", 1 as unknown as string);
    (localStorage as unknown as Record<string, string>).b = "two";
    expect([localStorage.getItem("a"), localStorage.getItem("b"), localStorage.getItem("toString")]).toEqual(["1", "two", null]);
    expect([localStorage.length, localStorage.key(1), localStorage.key(9)]).toEqual([2, "b", null]);
    localStorage.removeItem("a");
    expect(win.sessionStorage.length).toBe(0);
    localStorage.clear();
    expect(localStorage.length).toBe(0);
  });

  it("leaves working storage alone", () => {
    const own = { getItem: () => null };
    const win = { localStorage: own, sessionStorage: own } as unknown as Window;
    ensureStorage(win);
    expect(win.localStorage).toBe(own);
  });
});

import { describe, expect, it } from "vitest";
import { ensureStorage, ownStorage } from "../../src/shell/storage";

function denied(): Window {
  const refuse = { configurable: true, get: () => { throw new DOMException("Access is denied", "SecurityError"); } };
  return Object.defineProperties({}, { localStorage: refuse, sessionStorage: refuse }) as Window;
}

/** A window with the browser's storage, filled up for keys that start so. */
function allowed(full = "no such key"): Window {
  localStorage.clear();
  sessionStorage.clear();
  const local = new Proxy(localStorage, {
    get: (real, key) => {
      if (key === "setItem") {
        return (name: string, value: string) => {
          if (name.includes(full)) throw new DOMException("full", "QuotaExceededError");
          real.setItem(name, value);
        };
      }
      const member: unknown = Reflect.get(real, key);
      return typeof member === "function" ? (member as (...args: unknown[]) => unknown).bind(real) : member;
    },
  });
  return Object.defineProperties({}, {
    localStorage: { configurable: true, value: local }, sessionStorage: { configurable: true, value: sessionStorage },
  }) as Window;
}

describe.each([["denied", denied], ["allowed", allowed], ["full", () => allowed("")]] as const)("storage where it is %s", (_, make) => {
  it("keeps what is put there, however it is put", () => {
    const win = make();
    ownStorage(win);
    const { localStorage } = win;
    localStorage.setItem("a", 1 as unknown as string);
    (localStorage as unknown as Record<string, string>)["b"] = "two";
    expect([localStorage.getItem("a"), localStorage.getItem("b"), localStorage["b"], localStorage.getItem("toString")]).toEqual(["1", "two", "two", null]);
    expect([localStorage.length, localStorage.key(1), localStorage.key(9), localStorage["c"]]).toEqual([2, "b", null, undefined]);
    expect(["a" in localStorage, "c" in localStorage, Object.keys(localStorage), { ...localStorage }]).toEqual([true, false, ["a", "b"], { a: "1", b: "two" }]);
    localStorage.removeItem("a");
    expect(delete localStorage["b"]).toBe(true);
    expect([localStorage.length, win.sessionStorage.length]).toEqual([0, 0]);
    localStorage.setItem("x", "y");
    localStorage.clear();
    expect(localStorage.length).toBe(0);
  });
});

describe("storage", () => {
  it("leaves the notebook's own keys alone and out of sight", () => {
    const win = allowed();
    localStorage.setItem("jupyter", "its own");
    ownStorage(win);
    win.localStorage.setItem("mine", "1");
    expect([win.localStorage.getItem("jupyter"), win.localStorage.length]).toEqual([null, 1]);
    win.localStorage.clear();
    expect(Object.keys(localStorage)).toEqual(["jupyter"]);
  });

  it("takes in memory what does not fit, and again what fits later", () => {
    const win = allowed("big");
    ownStorage(win);
    win.localStorage.setItem("big", "1");
    win.localStorage.setItem("small", "2");
    expect([win.localStorage.getItem("big"), win.localStorage.getItem("small"), win.localStorage.length]).toEqual(["1", "2", 2]);
  });

  it("in the page itself leaves working storage alone", () => {
    const own = { getItem: () => null };
    const win = { localStorage: own, sessionStorage: own } as unknown as Window;
    ensureStorage(win);
    expect(win.localStorage).toBe(own);
    const refused = denied();
    ensureStorage(refused);
    refused.localStorage.setItem("a", "b");
    expect(refused.localStorage.getItem("a")).toBe("b");
  });
});

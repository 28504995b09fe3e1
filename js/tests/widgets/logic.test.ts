import { describe, expect, it } from "vitest";
import { planNode, typesFit } from "../../src/graph/definitions";
import { filterChoices, nextChoice, nextNumber, RANDOM_LIMIT } from "../../src/widgets/control";
import { expandDynamicPrompt } from "../../src/widgets/dynamic-prompts";
import { clampRound, formatNumber, numberOptions, parseNumber } from "../../src/widgets/number";
import { readValues, valueSlots, writeValues } from "../../src/widgets/values";

const KSAMPLER = planNode({
  input: {
    required: {
      model: ["MODEL", {}], seed: ["INT", { default: 0, min: 0, max: 2 ** 64, control_after_generate: true }], steps: ["INT", { default: 20 }],
      cfg: ["FLOAT", { default: 8 }], sampler_name: [["euler", "ddim"], {}], latent: ["LATENT", {}],
    },
  },
});
const UPLOAD = planNode({ input: { required: { image: [["a.png"], { image_upload: true }], channel: [["red"], {}] } } });
const COMBO = planNode({ input: { required: { name: ["COMBO", { options: ["a", "b"], control_after_generate: true }], x: ["INT", {}] } } });
const FORCED = planNode({ input: { required: { a: ["INT", {}], text: ["STRING", { forceInput: true }], b: ["INT", {}] } } });

describe("numbers after a run", () => {
  const top = { min: 0, max: 18446744073709551615 };
  it.each([
    ["fixed", 5, top, 0.5, 5],
    ["increment", 5, top, 0, 6],
    ["increment", 10, { min: 0, max: 10 }, 0, 10],
    ["decrement", 0, { min: 0, max: 10 }, 0, 0],
    ["increment", 4, { min: 0, max: 64, step: 8 }, 0, 12],
    // beyond 2^53 adding one is not exact: the value stays instead of jumping
    ["increment", 2 ** 53, top, 0, 2 ** 53],
    ["increment", "kept", top, 0, "kept"],
    ["randomize", 5, { min: 3, max: 3 }, 0.9, 3],
    ["randomize", 5, { min: 0, max: 10, step: 5 }, 0.5, 5],
    ["randomize", 5, { min: 0, max: 10, step: 5 }, 0.999, 10],
  ])("%s of %s in %o", (mode, value, range, random, expected) => {
    expect(nextNumber(mode, value, range, () => random)).toBe(expected);
  });

  it("random values of a 64-bit range are exact integers up to 2^50", () => {
    for (const random of [0, 0.25, 0.5, 0.123456789, 1 - Number.EPSILON]) {
      const value = nextNumber("randomize", 0, top, () => random) as number;
      expect(Number.isSafeInteger(value)).toBe(true);
      expect(value).toBeLessThanOrEqual(RANDOM_LIMIT);
      expect(value).toBeGreaterThanOrEqual(0);
    }
    expect(nextNumber("randomize", 0, { min: -(2 ** 60), max: 2 ** 60 }, () => 0)).toBe(-RANDOM_LIMIT);
  });
});

describe("choices after a run", () => {
  const options = ["a.pt", "b.pt", "c.safetensors"];
  it.each([
    ["increment", "a.pt", "", "b.pt"],
    ["increment", "c.safetensors", "", "c.safetensors"],
    ["increment-wrap", "c.safetensors", "", "a.pt"],
    ["decrement", "a.pt", "", "a.pt"],
    ["increment-wrap", "b.pt", "PT", "a.pt"],
    ["increment", "a.pt", "/safe/", "c.safetensors"],
    ["fixed", "gone", "", "gone"],
    ["increment", "a.pt", "nothing has this", "a.pt"],
  ])("%s of %s, filter %s", (mode, value, filter, expected) => {
    expect(nextChoice(mode, value, options, filter)).toBe(expected);
  });
  it("a half-typed expression filters nothing", () => expect(filterChoices(options, "/(/")).toEqual(options));
});

describe("dynamic prompts", () => {
  it.each([
    ["plain", 0, "plain"],
    ["a {red|blue} cat", 0, "a red cat"],
    ["a {red|blue} cat", 0.99, "a blue cat"],
    ["{a|{b|c} d}", 0.99, "c d"],
    ["{x}", 0, "x"],
    ["\\{kept\\|so\\}", 0, "{kept|so}"],
    ["(weight\\) stays", 0, "(weight\\) stays"],
    ["a /* note */b // end\nc", 0, "a b \nc"],
    ["open {a|b", 0, "open {a|b"],
    ["stray } and | stay", 0, "stray } and | stay"],
    ["{|a}", 0, ""],
  ])("%s", (text, random, expected) => expect(expandDynamicPrompt(text, () => random)).toBe(expected));
});

describe("widgets_values", () => {
  it.each([
    ["seed and its control", KSAMPLER, ["seed", "control_after_generate", "steps", "cfg", "sampler_name"]],
    ["an upload button comes last", UPLOAD, ["image", "channel", "upload"]],
    ["a controlled combo has a filter too", COMBO, ["name", "control_after_generate", "control_filter_list", "x"]],
  ])("%s", (_, plan, names) => expect(valueSlots(plan).map((slot) => slot.name)).toEqual(names));

  it.each([
    ["full", KSAMPLER, [7, "fixed", 30, 4, "ddim"], [7, "fixed", 30, 4, "ddim"], []],
    ["a missing tail becomes defaults", KSAMPLER, [7], [7, "randomize", 20, 8, "euler"], []],
    ["an extra tail is kept aside", KSAMPLER, [7, "fixed", 30, 4, "ddim", "more", 1], [7, "fixed", 30, 4, "ddim"], ["more", 1]],
    ["by name", KSAMPLER, { cfg: 2, odd: 1 }, [0, "randomize", 20, 2, "euler"], []],
    ["wrong types stay", KSAMPLER, ["x", 3, null, [], {}], ["x", 3, null, [], {}], []],
    ["forced sockets of old files", FORCED, [1, "text", 2], [1, 2], []],
    ["no values at all", FORCED, undefined, [0, 0], []],
  ])("reads: %s", (_, plan, saved, values, tail) => expect(readValues(plan, saved)).toEqual({ values, tail }));

  it.each([
    ["list", [7], [7, "randomize", 20, 8, "euler"], [], [7]],
    ["a changed value brings what is before it", [7], [7, "randomize", 20, 9, "euler"], [], [7, "randomize", 20, 9]],
    ["the tail goes back", [1, "fixed", 20, 8, "euler", "more"], [1, "fixed", 20, 8, "euler"], ["more"], [1, "fixed", 20, 8, "euler", "more"]],
    ["objects stay objects", { cfg: 2, odd: 1 }, [0, "randomize", 20, 3, "euler"], [], { cfg: 3, odd: 1 }],
    ["a new node saves all", undefined, [0, "randomize", 20, 8, "euler"], [], [0, "randomize", 20, 8, "euler"]],
  ])("writes: %s", (_, saved, values, tail, expected) => expect(writeValues(valueSlots(KSAMPLER), values, saved, tail)).toEqual(expected));
});

describe("definitions", () => {
  it.each([
    ["IMAGE", "image", true], ["IMAGE", "MASK", false], ["*", "MASK", true], ["INT,FLOAT", "FLOAT, STRING", true], ["INT,FLOAT", "STRING", false],
    [0, "X", true], ["", "X", true], ["IMAGE", "MASK,*", true],
  ])("%s fits %s: %s", (a, b, fits) => expect(typesFit(a, b)).toBe(fits));

  it.each([
    ["INT", {}, "int"], ["FLOAT", {}, "float"], ["STRING", { multiline: true }, "multiline"], [["a"], {}, "combo"], ["COMBO", { options: ["a"] }, "combo"],
    ["MODEL", {}, null], ["INT", { forceInput: true }, null], ["INT,FLOAT", {}, null], ["THING", { widgetType: "STRING" }, "string"],
    ["THING", { socketless: true }, "unknown"],
  ])("%s %o becomes %s", (type, options, kind) => {
    const plan = planNode({ input: { required: { x: [type, options] } } });
    expect(plan.widgets[0]?.kind ?? null).toBe(kind);
    expect(plan.sockets.length).toBe(kind ? 0 : 1);
  });

  it("input_order decides, and nothing it leaves out is lost", () => {
    const plan = planNode({ input: { required: { a: ["INT"], b: ["INT"], c: ["INT"] } }, input_order: { required: ["c", "a"] } });
    expect(plan.widgets.map((widget) => widget.name)).toEqual(["c", "a", "b"]);
  });

  it("a falsy combo default means the first option", () => {
    expect(planNode({ input: { required: { x: [["a", "b"], { default: "" }] } } }).widgets[0]?.defaultValue).toBe("a");
  });
});

describe("numbers in widgets", () => {
  it.each([
    ["1024*1.5", 1536], ["(3+1)/2", 2], ["-5", -5], ["1e3", 1000], ["0,5", 0.5], ["1,024", 1024], ["2--1", 3], ["1/0", null], ["alert(1)", null],
    ["", null], ["1 2", null], [".5", 0.5],
  ])("reads %s", (text, expected) => expect(parseNumber(text)).toBe(expected));

  it.each([
    ["FLOAT", { step: 0.01 }, 0.123, 0.12], ["FLOAT", { step: 0.1, round: 0.01 }, 0.126, 0.13], ["FLOAT", { step: 0.1, round: false }, 0.126, 0.126],
    ["INT", { step: 8, min: 16 }, 29, 32], ["INT", {}, 3.6, 4], ["INT", { max: 10 }, 99, 10], ["FLOAT", {}, 1.26, 1.3],
  ] as const)("%s %o rounds %s", (type, options, value, expected) => expect(clampRound(value, numberOptions(type, options))).toBeCloseTo(expected, 10));

  it.each([[8, { precision: 2 }, "8.00"], [0.125, { precision: 1 }, "0.125"], ["abc", {}, "abc"], [{ a: 1 }, {}, '{"a":1}'], [null, {}, ""]])(
    "shows %o", (value, options, text) => expect(formatNumber(value, options)).toBe(text));
});

// One input for each type of setting. Names, options and values are text.

import { h } from "../../editor/dom";
import { guarded } from "./guard";
import type { SettingOption, SettingParams } from "./types";

type Change = (value: unknown) => void;
type Make = (params: SettingParams, value: unknown, change: Change) => HTMLElement;

/** Attributes of number inputs; other attributes of the reference's components mean nothing here. */
const NUMBER_ATTRS = ["min", "max", "step"] as const;

const attrsOf = ({ attrs = {} }: SettingParams) => Object.fromEntries(NUMBER_ATTRS.flatMap((name) => (attrs[name] === undefined ? [] : [[name, attrs[name]]])));

/** Number inputs take any step unless one was declared. */
const numberProps = (params: SettingParams) => ({ step: "any", ...attrsOf(params) });

const boolean: Make = (_, value, change) => {
  const input = h("input", { type: "checkbox", role: "switch", class: "cn-switch", checked: Boolean(value), onchange: () => change(input.checked) });
  return input;
};

const text: Make = ({ attrs = {} }, value, change) => {
  const input = h("input", { type: "text", class: "cn-input", value: value ?? "", placeholder: attrs.placeholder, maxlength: attrs.maxlength, onchange: () => change(input.value) });
  return input;
};

const number: Make = (params, value, change) => {
  const input = h("input", { type: "number", class: "cn-input", value: value ?? "", ...numberProps(params), onchange: () => {
    const typed = clamp(input.valueAsNumber, params);
    if (Number.isFinite(typed)) change(typed);
    input.value = String(Number.isFinite(typed) ? typed : (value ?? ""));
  } });
  return input;
};

const slider: Make = (params, value, change) => {
  const props = { min: 0, max: 100, ...attrsOf(params), value: value ?? 0 };
  const set = (typed: number, from: HTMLInputElement) => {
    const legal = clamp(typed, params);
    if (!Number.isFinite(legal)) return void (from.value = String(value ?? 0));
    range.value = field.value = String(legal);
    change(legal);
  };
  const label = String(params.name ?? params.id);
  const range = h("input", { type: "range", ...props, "aria-label": label, oninput: () => { field.value = range.value; }, onchange: () => set(range.valueAsNumber, range) });
  const field = h("input", { type: "number", class: "cn-input", ...props, "aria-label": `${label}, number`, onchange: () => set(field.valueAsNumber, field) });
  return h("span", { class: "cn-setting-slider" }, range, field);
};

const combo: Make = ({ id, options = [] }, value, change) => {
  const list = (typeof options === "function" ? guarded(id, () => options(value)) : options) ?? [];
  const choices = list.map(choiceOf);
  if (value !== undefined && value !== null && !choices.some((choice) => choice.value === value)) choices.unshift({ text: String(value), value });
  const select = h("select", { class: "cn-input", onchange: () => change(choices[select.selectedIndex]?.value) },
    ...choices.map(({ text }, index) => h("option", { value: index }, text)));
  select.selectedIndex = choices.findIndex((choice) => choice.value === value);
  return select;
};

/** Stored as six hex digits, with or without "#" as the pack does it. */
const color: Make = ({ defaultValue }, value, change) => {
  const sharp = String(value ?? defaultValue ?? "").startsWith("#") ? "#" : "";
  const digits = String(value ?? "").replace("#", "").slice(0, 6);
  const input = h("input", { type: "color", class: "cn-color", value: `#${/^[0-9a-f]{6}$/i.test(digits) ? digits : "000000"}`, onchange: () => {
    code.textContent = input.value;
    change(sharp + input.value.slice(1));
  } });
  const code = h("code", {}, input.value);
  return h("span", { class: "cn-setting-color" }, input, code);
};

const image: Make = ({ id }, value, change) => {
  const shown = h("img", { alt: "", class: "cn-setting-image", src: value || undefined, hidden: !value });
  const input = h("input", { type: "file", accept: "image/*", class: "cn-visually-hidden", tabindex: "-1", onchange: () => {
    const file = input.files?.[0];
    if (file) void readAsDataUrl(file).then(set, () => console.warn(`${id}: ${file.name} could not be read`));
  } });
  const remove = h("button", { type: "button", class: "cn-button cn-small", hidden: !value, onclick: () => set("") }, "Remove");
  const set = (url: string) => {
    shown.hidden = remove.hidden = !url;
    if (url) shown.src = url;
    else shown.removeAttribute("src");
    change(url);
  };
  return h("span", { class: "cn-setting-images" }, shown, h("button", { type: "button", class: "cn-button cn-small", onclick: () => input.click() }, "Choose…"), remove, input);
};

const MAKERS: Record<string, Make> = { boolean, text, number, slider, combo, radio: combo, color, image, backgroundImage: image, knob: slider, url: text };

/** The input, or null for settings that are not shown. */
export function settingInput(params: SettingParams, value: unknown, change: Change): HTMLElement | null {
  const { type } = params;
  if (type === "hidden") return null;
  if (typeof type === "function") {
    const made = guarded(`setting ${params.id}`, () => type(String(params.name ?? params.id), change, value, params.attrs ?? {}));
    return made instanceof HTMLElement ? framed(made) : null;
  }
  const inferred = typeof value === "boolean" ? boolean : typeof value === "number" ? number : text;
  return ((type && MAKERS[type]) || inferred)(params, value, change);
}

/** Packs that knew the table of old make a row of it. */
function framed(element: HTMLElement): HTMLElement {
  return element.tagName === "TR" ? h("table", { class: "cn-setting-table" }, h("tbody", {}, element)) : element;
}

function choiceOf(option: SettingOption): { text: string; value: unknown } {
  if (typeof option !== "object" || option === null) return { text: String(option), value: option };
  return { text: String(option.text ?? option.value), value: option.value ?? option.text };
}

function clamp(value: number, { attrs = {} }: SettingParams): number {
  const low = Number(attrs.min ?? -Infinity);
  const high = Number(attrs.max ?? Infinity);
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : NaN;
}

function readAsDataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

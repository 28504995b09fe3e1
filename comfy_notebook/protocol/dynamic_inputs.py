"""Inputs that depend on what a prompt holds: choices that bring inputs of their own, growing groups, unfolding slots.

A declaration names the group; the prompt names its members with dots (``"resize.width"``, ``"images.image0"``).
``flattened`` turns a declaration into the one that holds for a given prompt, ``nested`` turns flat values into what the
node's function takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

AUTOGROW = "COMFY_AUTOGROW_V3"
DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
DYNAMIC_SLOT = "COMFY_DYNAMICSLOT_V3"
DYNAMIC_TYPES = (AUTOGROW, DYNAMIC_COMBO, DYNAMIC_SLOT)
_CATEGORIES = ("required", "optional")


@dataclass
class Flat:
    """``declared``: what ``INPUT_TYPES`` would answer if it knew the prompt. ``groups``: the dotted names of the groups
    that are there, outer ones first; the head of a choice or slot (its own value) is a group too."""

    declared: dict[str, Any]
    groups: list[str] = field(default_factory=list)


class _FlatInputs(dict[str, Any]):
    """The flat inputs of one category, over the declared mapping: packs return ones that answer for any name."""

    def __init__(self, declared: Any) -> None:
        super().__init__()
        self._declared = declared

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (self._declared is not None and name in self._declared)

    def __missing__(self, name: str) -> Any:
        if self._declared is None:
            raise KeyError(name)
        return self._declared[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - dict.get knows nothing of the declared ones


def is_dynamic(spec: Any) -> bool:
    """Whether a ``(TYPE, {options})`` entry declares a group. Types may be unhashable and override comparison."""
    kind = spec[0] if isinstance(spec, (tuple, list)) and spec else None
    return isinstance(kind, str) and str.startswith(kind, "COMFY_") and any(str.__eq__(kind, t) for t in DYNAMIC_TYPES)


def flattened(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Flat:
    """``declared`` for a prompt whose node holds ``live`` (constants, links or values by flat name)."""
    flat = Flat({category: _FlatInputs(declared.get(category)) for category in _CATEGORIES})
    for category, name, spec in _entries(declared):
        _add(flat, category, name, spec, live)
    if declared.get("hidden") is not None:
        flat.declared["hidden"] = declared["hidden"]
    return flat


def nested(groups: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` by flat name as the function takes them: a dict per group, in which a choice or slot keeps its own
    value under its own name: ``{"resize": {"resize": "exact", "width": 64}}``."""
    result: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {"": result}
    for group in groups:
        owner, name = _owner(group, inner)
        inner[group] = inner[owner][name] = {}
    for full_name, value in values.items():
        if full_name in inner:
            inner[full_name][full_name.rpartition(".")[2]] = value
        else:
            owner, name = _owner(full_name, inner)
            inner[owner][name] = value
    return result


def _owner(full_name: str, inner: Collection[str]) -> tuple[str, str]:
    """The innermost group that ``full_name`` belongs to, and its name there."""
    owner, _, name = full_name.rpartition(".")
    while owner and owner not in inner:
        owner, _, head = owner.rpartition(".")
        name = f"{head}.{name}"
    return owner, name


def _entries(declared: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for category in _CATEGORIES:
        inputs = declared.get(category)
        if inputs is None:
            continue
        for name in list(inputs.keys()) if hasattr(inputs, "keys") else ():
            yield category, name, inputs[name]


def _add(flat: Flat, category: str, name: str, spec: Any, live: Mapping[str, Any]) -> None:
    if not is_dynamic(spec):
        flat.declared[category][name] = spec
        return
    options = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    flat.groups.append(name)
    _EXPANSIONS[str.__str__(spec[0])](flat, category, name, options, live)


def _add_members(flat: Flat, name: str, inputs: Any, live: Mapping[str, Any], required: bool = True) -> None:
    for category, child, spec in _entries(inputs if isinstance(inputs, Mapping) else {}):
        _add(flat, category if required else "optional", f"{name}.{child}", spec, live)


def _add_choice(flat: Flat, category: str, name: str, options: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    choices = {option["key"]: option.get("inputs") for option in options.get("options") or ()}
    flat.declared[category][name] = ("COMBO", {**options, "options": list(choices)})
    key = live.get(name)
    if isinstance(key, (list, tuple)):  # a link, or the one-element list of a node that takes lists
        key = key[0] if len(key) == 1 else None
        if key is None:
            for inputs in choices.values():
                _add_members(flat, name, inputs, live, required=False)
            return
    if isinstance(key, (str, int, float)) and key in choices:
        _add_members(flat, name, choices[key], live)


def _add_slot(flat: Flat, category: str, name: str, options: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    shown = {key: value for key, value in options.items() if key not in ("slotType", "inputs")}
    flat.declared[category][name] = (options.get("slotType", "*"), shown)
    if name in live:
        _add_members(flat, name, options.get("inputs"), live)


def _add_growing(flat: Flat, category: str, name: str, options: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    template = options.get("template") or {}
    found = [(kind, spec) for kind, _, spec in _entries(template.get("input") or {})]
    if not found:
        return
    kind, spec = found[0]
    least = 0 if kind == "optional" or category == "optional" else int(template.get("min") or 0)
    names = template.get("names")
    if names is None:
        prefix = str(template.get("prefix", ""))
        names = [f"{prefix}{number}" for number in range(int(template.get("max") or 100))]
    for number, member in enumerate(names):
        full_name = f"{name}.{member}"
        if number < least or _is_live(full_name, live, spec):
            _add(flat, "required" if number < least else "optional", full_name, spec, live)


def _is_live(full_name: str, live: Mapping[str, Any], spec: Any) -> bool:
    if full_name in live:
        return True
    return is_dynamic(spec) and any(name.startswith(full_name + ".") for name in live)


_EXPANSIONS = {AUTOGROW: _add_growing, DYNAMIC_COMBO: _add_choice, DYNAMIC_SLOT: _add_slot}

"""The values of a node's widgets, read out of ``widgets_values`` by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .specs import WIDGET_TYPES, InputSpec, input_specs, own_options, widget_slots

NAMES = "comfy_notebook_widgets"
"""The key of ``properties`` under which an editor names the saved values of a node whose widgets a pack moved."""

_CONTROL = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
_BASIC = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})


def widget_values(node: Mapping[str, Any], entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """``{widget name: value}`` of a node in widget order; ``entry`` is its ``object_info`` entry, None if unknown.

    Values stand unchecked, as they were saved; a missing tail gets the defaults (a combo without choices has none).
    """
    saved = node.get("widgets_values")
    if entry is None:
        return _without_definition(node, saved)
    specs = input_specs(entry)
    if isinstance(saved, dict):
        return _by_name(specs, saved)
    values = saved if isinstance(saved, list) else []
    names = (node.get("properties") or {}).get(NAMES)
    if isinstance(names, list) and names and len(names) == len(values):
        return _by_name(
            specs, {str(name): value for name, value in zip(names, values, strict=True) if value is not None}
        )
    return _by_position(specs, _without_forced(specs, values), node)


def _by_position(specs: list[InputSpec], values: list[Any], node: Mapping[str, Any]) -> dict[str, Any]:
    linked = {slot["name"]: slot for slot in node.get("inputs") or () if isinstance(slot, dict) and "name" in slot}

    def chosen(name: str) -> Any:
        return found[name] if name in found else linked.get(name, {}).get("link") is not None

    def fill(custom: frozenset[str]) -> tuple[dict[str, Any], int]:
        used = 0
        found.clear()
        for slot in widget_slots(specs, chosen, lambda spec: spec.is_widget or spec.name in custom):
            if slot.kind == "value" and used < len(values):
                found[slot.spec.name] = values[used]
            elif slot.kind == "value" and (default := slot.spec.default()) is not None:
                found[slot.spec.name] = default
            used += 1
        return found, used

    found: dict[str, Any] = {}
    result, used = fill(frozenset())
    if used < len(values) and (custom := _custom_widgets(specs, linked)):
        # a pack's own widget type: only the saved node tells that this input is no socket
        result, used = fill(custom)
    return result | dict(zip(own_options(specs), values[used:], strict=False))


def _custom_widgets(specs: list[InputSpec], linked: Mapping[str, Any]) -> frozenset[str]:
    """Inputs of types we do not know that the saved node does not list as sockets."""
    return frozenset(
        spec.name
        for spec in specs
        if spec.widget_type not in WIDGET_TYPES
        and not spec.options.get("forceInput")
        and (spec.name not in linked or "widget" in linked[spec.name])
    )


def _without_forced(specs: list[InputSpec], values: list[Any]) -> list[Any]:
    """Very old files gave ``forceInput`` inputs a place too; their length betrays them."""
    if not any(spec.options.get("forceInput") and spec.widget_type in _BASIC for spec in specs):
        return values
    forced: list[bool] = []
    for spec in specs:
        if spec.widget_type in _BASIC:
            forced += [bool(spec.options.get("forceInput"))] * (1 + spec.control_slots)
    forced += [False for spec in specs if spec.is_widget and spec.has_upload]
    if len(values) != len(forced):
        return values
    return [value for value, drop in zip(values, forced, strict=True) if not drop]


def _by_name(specs: list[InputSpec], saved: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for slot in widget_slots(specs, found.get):
        name = slot.spec.name
        if slot.kind == "value" and name in saved:
            found[name] = saved[name]
        elif slot.kind == "value" and (default := slot.spec.default()) is not None:
            found[name] = default
    sockets = {spec.name for spec in specs}
    extra = {
        name: value
        for name, value in saved.items()
        if name not in sockets and not isinstance(value, dict) and not name.startswith("control_")
    }
    return found | extra


def _without_definition(node: Mapping[str, Any], saved: Any) -> dict[str, Any]:
    """Unknown node: names stand in the saved inputs; a control value follows its seed without a name of its own."""
    if isinstance(saved, dict):
        return {str(name): value for name, value in saved.items()}
    names = [slot["name"] for slot in node.get("inputs") or () if isinstance(slot, dict) and "widget" in slot]
    if not isinstance(saved, list) or not names:
        return {}
    values = [v for i, v in enumerate(saved) if not (i and v in _CONTROL[:4] and _is_number(saved[i - 1]))]
    if len(values) < len(names) <= len(saved):
        values = saved
    return dict(zip(names, values, strict=False)) if len(values) >= len(names) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

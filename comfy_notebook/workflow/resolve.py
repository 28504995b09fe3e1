"""Where a link really comes from: through reroutes, bypassed nodes, and in and out of subgraphs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .graph import BYPASSED, INPUT_NODE, MUTED, Scope, Scopes
from .leads import Lead
from .repair import Json
from .specs import InfoSource, InputSpec, input_specs

PRIMITIVE, REROUTE = "PrimitiveNode", "Reroute"
VIRTUAL = frozenset({PRIMITIVE, REROUTE, "Note", "MarkdownNote"})
"""Types that the front end knows alone; they never reach a prompt."""

_REPLACE_ON_VALUES = "Run widget replace on values"


@dataclass(frozen=True)
class Source:
    """The output that feeds an input."""

    node: str
    """Its id in the prompt."""
    slot: int


@dataclass(frozen=True)
class Value:
    """An input gets a constant: from a primitive, or from a widget of a subgraph instance."""

    value: Any
    replace_text: bool = False


class Absent:
    """The input has no source. ``muted``: not even its own widget counts."""

    def __init__(self, muted: bool = False, missing: str = "") -> None:
        self.muted = muted
        self.missing = missing
        """The missing node or link, when that is the reason."""


Resolved = Source | Value | Absent
_Place = tuple[str, str, str, bool]  # scope, link, wanted type, whether no reroute came before


class Resolver:
    """Resolves links of one document; remembers the inputs of the types it met."""

    def __init__(self, scopes: Scopes, info: InfoSource) -> None:
        self._scopes = scopes
        self._info = info
        self._specs: dict[str, list[InputSpec]] = {}
        self._known: dict[_Place, Resolved] = {}

    def resolve(self, scope: Scope, link_id: Any, wanted: Any) -> Resolved:
        """What feeds the input of type ``wanted`` that ``link_id`` ends at."""
        passed: dict[_Place, None] = {}
        result = self._walk(scope, link_id, wanted, passed)
        # whoever asks from further down the same chain gets the answer at once, which keeps long chains linear
        self._known.update(dict.fromkeys(passed, result))
        return result

    def _walk(self, scope: Scope, link_id: Any, wanted: Any, passed: dict[_Place, None]) -> Resolved:  # noqa: PLR0912
        direct = True
        while link_id is not None:
            place = (scope.prefix, str(link_id), str(wanted), direct)
            if place in self._known:
                return self._known[place]
            if place in passed:
                return Absent(missing=f"link {link_id} runs in a circle of bypassed nodes")
            passed[place] = None
            link = scope.graph.links.get(str(link_id))
            if link is None:
                return Absent(missing=f"link {link_id}, which does not exist")
            origin, slot = link.origin, link.origin_slot
            if (lead := self._lead(scope, str(link_id), origin)) is not None:
                if lead.origin is None:
                    return Absent()
                origin, slot = lead.origin
            if origin == INPUT_NODE and scope.parent is not None:
                name, entry = scope.input_of(slot)
                link_id = entry.get("link") if entry is not None else None
                if link_id is None:
                    return Value(scope.promoted[name]) if name in scope.promoted else Absent()
                scope = scope.parent
                continue
            node = scope.graph.nodes.get(origin)
            if node is None:
                return Absent(missing=f"node {origin}, which does not exist")
            if node["type"] == PRIMITIVE:
                return self._primitive_value(scope, node) if direct else Absent()
            if node["type"] == REROUTE:
                # a primitive reaches a widget only by a direct link
                direct, link_id = False, _first_link(node)
            elif node.get("mode", 0) == MUTED:
                return Absent(muted=True)
            elif node.get("mode", 0) == BYPASSED:
                link_id = self._around(node, slot, wanted)
            elif origin in scope.children:
                scope = scope.children[origin]
                link_id = scope.graph.outgoing.get(slot)
            elif node["type"] in VIRTUAL:
                return Absent()
            else:
                return Source(scope.prefix + origin, slot)
        return Absent()

    def _lead(self, scope: Scope, number: str, origin: str) -> Lead | None:
        """Where a link out of a node that only a pack's JavaScript knows comes from, as an editor wrote down."""
        lead = scope.graph.lead(number)
        if lead is None or origin not in scope.graph.nodes or origin in scope.children:
            return None
        kind = scope.graph.nodes[origin]["type"]
        return lead if kind not in VIRTUAL and self._info(kind) is None else None

    def _around(self, node: Json, slot: int, wanted: Any) -> Any:
        """The link that goes on where a bypassed node is left out; None when nothing fits."""
        inputs = self._inputs(node)
        if not inputs:
            return None
        if wanted in ("*", "", 0):
            return inputs[slot if slot < len(inputs) else 0][1]
        outputs = node.get("outputs") or ()
        given = outputs[slot].get("type") if slot < len(outputs) and isinstance(outputs[slot], dict) else "*"
        if slot < len(inputs) and compatible(inputs[slot][0], given) and compatible(inputs[slot][0], wanted):
            return inputs[slot][1]
        for kind, link in inputs:
            if kind == wanted:
                return link
        return next((link for kind, link in inputs if compatible(kind, wanted)), None)

    def _primitive_value(self, scope: Scope, node: Json) -> Value | Absent:
        """The value a PrimitiveNode hands to the widgets it is linked to. One that drives several INT widgets keeps to
        what all of them allow."""
        values = node.get("widgets_values")
        if not isinstance(values, list) or not values:
            return Absent()
        value = values[0]
        if isinstance(value, int) and not isinstance(value, bool):
            specs = self._targets(scope, node)
            if len(specs) > 1 and all(spec.widget_type == "INT" for spec in specs):
                value = _within_all(value, specs)
        return Value(value, bool((node.get("properties") or {}).get(_REPLACE_ON_VALUES)))

    def _targets(self, scope: Scope, node: Json) -> list[InputSpec]:
        """The declared inputs that a node's first output is linked to."""
        outputs = node.get("outputs") or ()
        found = []
        for number in (outputs[0].get("links") if outputs and isinstance(outputs[0], dict) else None) or ():
            link = scope.graph.links.get(str(number))
            target = scope.graph.nodes.get(link.target) if link else None
            slots = (target or {}).get("inputs") or ()
            if link and target and 0 <= link.target_slot < len(slots):
                name = slots[link.target_slot]["name"]
                found += [spec for spec in self._specs_of(target["type"]) if spec.name == name]
        return found

    def _inputs(self, node: Json) -> list[tuple[Any, Any]]:
        """(type, link) of a node's inputs in the editor's order: sockets, then widget sockets, then others."""
        saved = {slot["name"]: slot for slot in node.get("inputs") or () if isinstance(slot, dict) and "name" in slot}
        specs = self._specs_of(node["type"])
        ordered = [spec for spec in specs if not spec.is_widget] + [spec for spec in specs if spec.is_widget]
        kinds: dict[str, Any] = {spec.name: spec.type for spec in ordered}
        kinds |= {slot["name"]: slot.get("type", "*") for slot in self._scopes.inputs_of(node["type"])}
        known = [(kind, saved.get(name, {}).get("link")) for name, kind in kinds.items()]
        return known + [(slot.get("type", "*"), slot.get("link")) for name, slot in saved.items() if name not in kinds]

    def _specs_of(self, kind: str) -> list[InputSpec]:
        if kind not in self._specs:
            entry = self._info(kind)
            self._specs[kind] = input_specs(entry) if entry is not None else []
        return self._specs[kind]


def _within_all(value: int, specs: list[InputSpec]) -> int:
    """``value`` on the grid several INT widgets share: largest min, smallest max, the steps' common multiple."""

    def numbers(key: str) -> list[int]:
        stated = [spec.options.get(key) for spec in specs]
        return [int(number) for number in stated if isinstance(number, (int, float)) and not isinstance(number, bool)]

    step = math.lcm(*(number for number in numbers("step") if number > 0))
    low, high = max(numbers("min"), default=value), min(numbers("max"), default=value)
    offset = low % step
    value = (2 * (value - offset) + step) // (2 * step) * step + offset
    return max(low, min(high, value)) if low <= high else value


def compatible(a: Any, b: Any) -> bool:
    """Whether two socket types may be linked: ``*`` matches all, unions match when they share a part, case is free."""
    if a in ("*", "", 0, None) or b in ("*", "", 0, None):
        return True
    return bool(_parts(a) & _parts(b))


def _parts(kind: Any) -> set[str]:
    if isinstance(kind, list):
        return {"COMBO"}
    return {part.strip().upper() for part in str(kind).split(",")}


def _first_link(node: Json) -> Any:
    inputs = node.get("inputs") or ()
    return inputs[0].get("link") if inputs else None

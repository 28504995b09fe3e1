"""API prompt → UI workflow: nodes with slots, widgets and links by name, laid out in columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice, takewhile
from typing import Any

from .arrange import arrange, node_size
from .errors import WorkflowError
from .jsontext import plain
from .specs import InfoSource, InputSpec, input_specs, own_options, widget_slots

Json = dict[str, Any]

EXTRA_INPUTS = "comfy_notebook_inputs"
"""Node property that keeps constants the node's definition does not know; they come back in the prompt."""


def from_api(prompt: Mapping[str, Any], info: InfoSource) -> Json:
    """A UI JSON 0.4 document that converts back to ``prompt``.

    Ids stay (as numbers where they are some), titles come from ``_meta``. A type that ``info`` does not know is kept
    with the slots and values the prompt tells of. Raises :class:`WorkflowError` when ``prompt`` is no API prompt.
    """
    entries = _checked(prompt)
    nodes = {key: _Node(key, entry, info(entry["class_type"])) for key, entry in entries.items()}
    links: list[list[Any]] = []
    for node in nodes.values():
        for name, (source, slot) in node.linked.items():
            origin = nodes.get(source)
            number = len(links) + 1
            target_slot, wanted = node.connect(name, number)
            kind = origin.output(slot, number) if origin is not None else wanted
            links.append([number, origin.id if origin else _id(source), slot, node.id, target_slot, kind])
    made = [node.json for node in nodes.values()]
    for node in nodes.values():
        node.json["size"] = node_size(node.json, node.widgets, node.title)
    arrange(made, links)
    return {
        "last_node_id": max((node["id"] for node in made if isinstance(node["id"], int)), default=0),
        "last_link_id": len(links),
        "nodes": made,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


class _Node:
    """A node in the making."""

    def __init__(self, key: str, entry: Json, definition: Mapping[str, Any] | None) -> None:
        self.id = _id(key)
        kind = entry["class_type"]
        inputs = entry["inputs"]
        self.linked = {name: _link(value) for name, value in inputs.items() if _is_link(value)}
        constants = {name: _unwrapped(value) for name, value in inputs.items() if name not in self.linked}
        specs = input_specs(definition) if definition is not None else []
        shown = str((definition or {}).get("display_name") or kind)
        stated = entry["_meta"].get("title")
        self.title = stated if isinstance(stated, str) else shown
        self._specs = {spec.name: spec for spec in specs}
        self.json: Json = {
            "id": self.id,
            "type": kind,
            "pos": [0, 0],
            "size": [210, 100],
            "flags": {},
            "order": 0,
            "mode": 0,
        }
        self.json["inputs"] = [
            {"name": spec.name, "type": spec.type, "link": None} for spec in _sockets(specs, self.linked)
        ]
        self.json["outputs"] = _outputs(definition)
        self.json["properties"] = {"Node name for S&R": kind}
        if self.title != shown:
            self.json["title"] = self.title
        if definition is None:
            self._values_without_definition(constants)
        else:
            self._values(specs, constants)

    def _values(self, specs: list[InputSpec], constants: Json) -> None:
        self.widgets = []
        values: list[Any] = []
        found: dict[str, Any] = {}
        end = 0  # combos without choices have no value to write down: at the end the list stops before them
        for slot in widget_slots(specs, lambda name: found.get(name, name in self.linked)):
            name = slot.spec.name
            if slot.kind == "value":
                self.widgets.append(slot.spec)
                self._specs[name] = slot.spec
                found[name] = constants[name] if name in constants else slot.spec.default()
                values.append(found[name])
            else:
                values.append({"control": "fixed", "filter": "", "upload": "image"}[slot.kind])
            if name in constants or found[name] is not None:
                end = len(values)
        own = list(takewhile(constants.__contains__, own_options(specs)))
        found |= {name: constants[name] for name in own}
        self.widgets += [InputSpec(name, "STRING") for name in islice(own_options(specs), len(own) + 1)]
        values = values if own else values[:end]
        self.json["widgets_values"] = values + [constants[name] for name in own]
        if unknown := {name: value for name, value in constants.items() if name not in found}:
            self.json["properties"][EXTRA_INPUTS] = unknown

    def _values_without_definition(self, constants: Json) -> None:
        self.widgets = [InputSpec(name, _guess(value)) for name, value in constants.items()]
        self.json["inputs"] = [
            {"name": spec.name, "type": spec.type, "link": None, "widget": {"name": spec.name}} for spec in self.widgets
        ]
        self.json["widgets_values"] = list(constants.values())

    def connect(self, name: str, number: int) -> tuple[int, Any]:
        """Hang link ``number`` on the input ``name``; its slot and type."""
        inputs = self.json["inputs"]
        for index, slot in enumerate(inputs):
            if slot["name"] == name:
                slot["link"] = number
                return index, slot["type"]
        spec = self._specs.get(name)
        slot = {"name": name, "type": spec.type if spec else "*", "link": number}
        if spec is not None and spec.is_widget:
            slot["widget"] = {"name": name}
        inputs.append(slot)
        return len(inputs) - 1, slot["type"]

    def output(self, slot: int, number: int) -> Any:
        """Hang link ``number`` on output ``slot``, made when the definition has none there; its type."""
        outputs = self.json["outputs"]
        if not 0 <= slot < 1000:
            return "*"
        while len(outputs) <= slot:
            outputs.append({"name": f"output_{len(outputs)}", "type": "*", "links": []})
        outputs[slot]["links"].append(number)
        return outputs[slot]["type"]


def _sockets(specs: list[InputSpec], linked: Collection[str]) -> list[InputSpec]:
    """The sockets of a node; a group that grows shows one more than its last linked member."""
    last = {spec.group: place for place, spec in enumerate(specs) if spec.group and spec.name in linked}
    return [
        spec
        for place, spec in enumerate(specs)
        if not spec.is_widget and (spec.shown or place <= last.get(spec.group, -2) + 1)
    ]


def _checked(prompt: Any) -> dict[str, Json]:
    prompt = plain(dict(prompt) if isinstance(prompt, Mapping) else prompt, "The prompt")[0]
    if not isinstance(prompt, dict):
        raise WorkflowError("An API prompt is an object of nodes by id.")
    entries: dict[str, Json] = {}
    for key, node in prompt.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            raise WorkflowError(f"Entry {key!r} of the prompt is no node: it has no class_type.")
        inputs, meta = node.get("inputs"), node.get("_meta")
        if inputs is not None and not isinstance(inputs, dict):
            raise WorkflowError(f"The inputs of node {key} ({node['class_type']}) are not an object.")
        entries[key] = {**node, "inputs": inputs or {}, "_meta": meta if isinstance(meta, dict) else {}}
    return entries


def _id(key: str) -> int | str:
    """Prompts have text ids; in documents most ids are numbers."""
    return int(key) if key.isdecimal() and len(key) < 16 and str(int(key)) == key else key


def _is_link(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2 or isinstance(value[0], bool) or isinstance(value[1], bool):
        return False
    whole = isinstance(value[1], int) or (isinstance(value[1], float) and value[1].is_integer())
    return isinstance(value[0], (str, int)) and whole


def _link(value: list[Any]) -> tuple[str, int]:
    return str(value[0]), int(value[1])


def _unwrapped(value: Any) -> Any:
    return value["__value__"] if isinstance(value, dict) and value.keys() == {"__value__"} else value


def _outputs(definition: Mapping[str, Any] | None) -> list[Json]:
    types = (definition or {}).get("output") or ()
    names = (definition or {}).get("output_name") or ()
    return [
        {
            "name": str(names[i]) if i < len(names) else ("COMBO" if isinstance(kind, (list, tuple)) else str(kind)),
            "type": "COMBO" if isinstance(kind, (list, tuple)) else kind,
            "links": [],
            "slot_index": i,
        }
        for i, kind in enumerate(types)
    ]


def _guess(value: Any) -> str:
    """The input type a constant speaks for."""
    names: dict[type, str] = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}
    return names.get(type(value), "*")

"""A graph as a Python script: one assignment a node, in the order they run."""

from __future__ import annotations

import keyword
import pprint
import re
from collections.abc import Mapping
from typing import Any

from .lookup import is_link

HEADER = "import comfy_notebook as cn\n\nprompt = {}\n"
FOOTER = "\nresults = cn.Workflow(prompt).run().result()\n"


def to_python(prompt: Mapping[str, Mapping[str, Any]]) -> str:
    """Source code that builds ``prompt`` node by node, links as ``[name, slot]``, and runs it.

    Sources stand before what they feed; nodes of a cycle stand where they were found.
    """
    names = variable_names(prompt)
    lines = [HEADER]
    for node_id in in_order(prompt):
        node = prompt[node_id]
        name = names[node_id]
        lines.append(f"{name} = {node_id!r}")
        entry: dict[str, Any] = {"class_type": node.get("class_type"), "inputs": {}}
        if node.get("_meta"):
            entry["_meta"] = dict(node["_meta"])
        inputs = {key: _linked(prompt, names, value) for key, value in node.get("inputs", {}).items()}
        body = {**entry, "inputs": inputs}
        lines.append(f"prompt[{name}] = {pprint.pformat(body, sort_dicts=False, width=110)}\n")
    return "\n".join(lines) + FOOTER


class _Code:
    """A piece of source that stands in a literal as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _linked(prompt: Mapping[str, Any], names: Mapping[str, str], value: Any) -> Any:
    if is_link(prompt, value):
        return [_Code(names[str(value[0])]), value[1]]
    return value


def variable_names(prompt: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A Python name for each node, after its class type and id: ``ksampler_3``."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node_id, node in prompt.items():
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(node.get("class_type", "node")))
        base = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_").lower() or "node"
        name = f"{base}_{re.sub(r'[^0-9A-Za-z]+', '_', node_id)}"
        name = f"n_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
        while name in taken:
            name += "_"
        taken.add(name)
        names[node_id] = name
    return names


def in_order(prompt: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Node ids, sources first."""
    done: dict[str, None] = {}
    for root in prompt:
        waiting = [(root, False)]
        seen: set[str] = set()
        while waiting:
            node_id, expanded = waiting.pop()
            if expanded:
                done.setdefault(node_id)
            elif node_id not in done and node_id not in seen:
                seen.add(node_id)
                waiting.append((node_id, True))
                inputs = prompt[node_id].get("inputs", {}).values()
                waiting += [(str(value[0]), False) for value in inputs if is_link(prompt, value)]
    return list(done)

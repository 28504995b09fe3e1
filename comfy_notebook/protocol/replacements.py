"""Nodes that no longer exist, and what becomes of them in prompts that still name them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from .expansion import is_link

Replacement = Mapping[str, Any]


class Replacements:
    """By the class type that is gone. Safe from any thread.

    A replacement is ``{new_node_id, old_node_id, old_widget_ids, input_mapping, output_mapping}``; the mappings may be
    None: inputs keep their names, outputs their order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_old: dict[str, list[Replacement]] = {}

    def register(self, replacement: Replacement) -> None:
        """Add one; the same again changes nothing. Raises ``ValueError`` when it names no nodes."""
        old, new = replacement.get("old_node_id"), replacement.get("new_node_id")
        if not isinstance(old, str) or not isinstance(new, str) or not old or not new:
            raise ValueError("a node replacement names an old_node_id and a new_node_id")
        keys = ("new_node_id", "old_node_id", "old_widget_ids", "input_mapping", "output_mapping")
        entry = {key: replacement.get(key) for key in keys}
        with self._lock:
            known = self._by_old.setdefault(old, [])
            if entry not in known:
                known.append(entry)

    def as_json(self) -> dict[str, list[Replacement]]:
        """Every replacement by old class type, as ``GET /node_replacements`` answers it."""
        with self._lock:
            return {old: list(known) for old, known in self._by_old.items()}

    def apply(self, prompt: Any, is_known: Callable[[str], bool]) -> Any:
        """``prompt`` with every node of an unknown class that has a replacement replaced by the first one that is
        known; the same object when there is nothing to do. The prompt itself is not touched."""
        if not self._by_old or not isinstance(prompt, Mapping):
            return prompt
        chosen = {}
        for node_id, node in prompt.items():
            class_type = node.get("class_type") if isinstance(node, Mapping) else None
            if isinstance(class_type, str) and not is_known(class_type):
                found = [one for one in self._by_old.get(class_type, ()) if is_known(one["new_node_id"])]
                if found:
                    chosen[str(node_id)] = found[0]
        if not chosen:
            return prompt
        return {node_id: _replaced(node, chosen.get(str(node_id)), chosen) for node_id, node in prompt.items()}


def _replaced(node: Any, replacement: Replacement | None, chosen: Mapping[str, Replacement]) -> Any:
    if not isinstance(node, Mapping):
        return node
    inputs = node.get("inputs")
    moved = {name: _moved(value, chosen) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {}
    if replacement is None:
        return {**node, "inputs": moved}
    return {**node, "class_type": replacement["new_node_id"], "inputs": _mapped(moved, replacement["input_mapping"])}


def _mapped(inputs: dict[str, Any], mapping: Any) -> dict[str, Any]:
    if mapping is None:
        return inputs
    found = {}
    for entry in mapping:
        if "set_value" in entry:
            found[entry["new_id"]] = entry["set_value"]
        elif entry.get("old_id") in inputs:
            found[entry["new_id"]] = inputs[entry["old_id"]]
    return found


def _moved(value: Any, chosen: Mapping[str, Replacement]) -> Any:
    """A link to an output of a replaced node leads to its new slot."""
    if not is_link(value) or value[0] not in chosen:
        return value
    for entry in chosen[value[0]]["output_mapping"] or ():
        if entry.get("old_idx") == value[1]:
            return [value[0], entry["new_idx"]]
    return value

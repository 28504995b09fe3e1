"""The progress of large runs in parts: many clients refuse websocket messages of more than 1 MiB and close, and the
connection of a notebook should not carry megabytes ten times a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LARGEST = 256 * 1024  # characters of JSON, nearly
_STATE = 220  # of one node's state, without its ids
_IDS = 5  # times its id is in it: as the key, its own, and those it is shown by

States = dict[str, Mapping[str, Any]]


class ProgressParts:
    """What one client is told of ``progress_state``: all nodes while they fit into one message, else those that are new
    since the last time, what still runs at the end."""

    def __init__(self) -> None:
        self._prompt_id: Any = None
        self._told: Mapping[str, Mapping[str, Any]] = {}

    def of(self, data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """``data`` of a ``progress_state``, in messages of a size that every client takes."""
        nodes = data.get("nodes")
        if not isinstance(nodes, Mapping):  # what a pack sent under this name
            return [data]
        told = self._told if data.get("prompt_id") == self._prompt_id else {}
        self._prompt_id, self._told = data.get("prompt_id"), nodes
        if _STATE * len(nodes) + _IDS * sum(map(len, nodes)) <= LARGEST:
            return [data]
        running = {node_id: state for node_id, state in nodes.items() if state.get("state") == "running"}
        # States are replaced, never changed: one that was told is the very same object.
        new = {id: state for id, state in nodes.items() if told.get(id) is not state and id not in running}
        return [{**data, "nodes": part} for part in _parts({**new, **running})]


def _parts(nodes: States) -> Iterator[States]:
    part: States = {}
    size = 0
    for node_id, state in nodes.items():
        weight = _STATE + _IDS * len(node_id)
        if part and size + weight > LARGEST:
            yield part
            part, size = {}, 0
        part[node_id] = state
        size += weight
    yield part

"""Cycles that go over links to undeclared inputs: nothing else is checked of what is behind such links."""

from __future__ import annotations

from ..protocol.expansion import is_link
from .prompt import Prompt

_SHOWN = 20


def path_into_cycle(prompt: Prompt, root: str, settled: set[str]) -> list[str]:
    """The way from ``root`` over links of any kind to a node that is on it already (the last one); empty where there is
    none. ``settled`` are the nodes that are known to lead into no cycle; it grows."""
    path = {root: None}
    stack = [(root, iter(_sources(prompt, root)))]
    while stack:
        node_id, sources = stack[-1]
        for source in sources:
            if source in path:
                return [*path, source]
            if source not in settled:
                path[source] = None
                stack.append((source, iter(_sources(prompt, source))))
                break
        else:
            stack.pop()
            del path[node_id]
            settled.add(node_id)
    return []


def _sources(prompt: Prompt, node_id: str) -> list[str]:
    node = prompt.get(node_id)
    return [] if node is None else [value[0] for value in node["inputs"].values() if is_link(value)]


def told(prompt: Prompt, path: list[str], closing: str) -> tuple[str, list[str]]:
    """The cycle at the end of ``path`` as a text and as ids, in the order in which values flow."""
    nodes = path[path.index(closing) :]
    flow = [nodes[0], *reversed(nodes)]  # the path leads from a node to what feeds it
    return shortened([f"{node_id} ({prompt[node_id]['class_type']})" for node_id in flow]), flow[:-1]


def shortened(names: list[str]) -> str:
    """A way through a graph as a text, its middle left out where it is long."""
    if len(names) > _SHOWN:
        hidden = len(names) - _SHOWN
        names = [*names[: _SHOWN // 2], f"… {hidden} more …", *names[-_SHOWN // 2 :]]
    return " -> ".join(names)

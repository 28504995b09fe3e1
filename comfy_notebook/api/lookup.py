"""Finding a node by what a person calls it: its title, its id or its class type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import title_of


def find_node(prompt: Mapping[str, Any], name: Any) -> str:
    """The id of the one node called ``name``: by title, else by id, else by class type.

    Raises ``KeyError`` with the candidates when several answer to it, with close matches when none does.
    """
    wanted = str(name)
    by_title = [node_id for node_id in prompt if title_of(prompt, node_id) == wanted]
    by_class = [node_id for node_id, node in prompt.items() if node.get("class_type") == wanted]
    for found in (by_title, [wanted] if wanted in prompt else [], by_class):
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"{node_id!r} ({title_of(prompt, node_id)})" for node_id in found)
            raise NameNotFound(f"{len(found)} nodes are called {wanted!r}; use an id: {listed}")
    raise NameNotFound(not_found("node", wanted, [title_of(prompt, node_id) for node_id in prompt], prompt))


def is_link(prompt: Mapping[str, Any], value: Any) -> bool:
    """Whether an input's value is ``[node id, slot]`` of a node in ``prompt``."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and str(value[0]) in prompt


class NameNotFound(KeyError):  # noqa: N818 - a KeyError that prints its message as it is
    """No node, input or output of that name, or several."""

    def __str__(self) -> str:
        return str(self.args[0])


def not_found(what: str, wanted: str, names: Iterable[str], ids: Iterable[str] = ()) -> str:
    """A message that names what there is instead."""
    known = sorted(set(names))
    close = difflib.get_close_matches(wanted, list(dict.fromkeys([*known, *ids])), n=3, cutoff=0.5)
    if close:
        return f"There is no {what} {wanted!r}; did you mean {' or '.join(map(repr, close))}?"
    listed = ", ".join(map(repr, known[:12])) + (", …" if len(known) > 12 else "")
    return f"There is no {what} {wanted!r}; there are {listed}" if known else f"There is no {what} {wanted!r}."

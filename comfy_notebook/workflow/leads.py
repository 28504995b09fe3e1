"""What an editor wrote down about nodes that only a pack's JavaScript knows: where the links out of them come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

KEY = "comfy_notebook"
"""Under this key of a document's ``extra``: ``{led, virtual, subgraphs: {definition id: {led, virtual}}}``."""


class Lead(NamedTuple):
    """Where a link that leaves a virtual node really comes from."""

    node: str
    """The virtual node it left when this was written."""
    origin: tuple[str, int] | None
    """Node and output slot; None: from nowhere."""
    last: str | None
    """The link by which the origin enters the chain of virtual nodes, where there is one."""


@dataclass(frozen=True)
class Leads:
    """The leads of one graph, by the link they are for."""

    types: frozenset[str] = frozenset()
    """The types of nodes that never reach a prompt."""
    by_link: Mapping[str, Lead] = field(default_factory=dict)


def read_leads(data: Mapping[str, Any]) -> tuple[Leads, dict[str, Leads]]:
    """The leads of a document's own graph, and those of its subgraph definitions by id; malformed ones are left out."""
    extra = data.get("extra")
    own = extra.get(KEY) if isinstance(extra, dict) else None
    if not isinstance(own, dict):
        return Leads(), {}
    inner = own.get("subgraphs")
    return _leads(own), {str(key): _leads(item) for key, item in inner.items()} if isinstance(inner, dict) else {}


def _leads(item: Any) -> Leads:
    item = item if isinstance(item, dict) else {}
    types, led = item.get("virtual"), item.get("led")
    return Leads(
        frozenset(kind for kind in types if isinstance(kind, str)) if isinstance(types, list) else frozenset(),
        dict(_entries(led)) if isinstance(led, dict) else {},
    )


def _entries(led: Mapping[str, Any]) -> Iterator[tuple[str, Lead]]:
    for number, item in led.items():
        if not isinstance(item, dict) or not _is_id(item.get("node")) or "to" not in item:
            continue
        to, last = item["to"], item.get("last")
        if to is not None and not (isinstance(to, list) and len(to) == 2 and _is_id(to[0]) and isinstance(to[1], int)):
            continue
        origin = None if to is None else (str(to[0]), int(to[1]))
        yield str(number), Lead(str(item["node"]), origin, str(last) if _is_id(last) else None)


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)

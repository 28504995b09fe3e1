"""``object_info`` entries from the live registry: what a client and the document conversion know of a node."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..protocol.object_info import object_info
from ..protocol.registry import Registry

log = logging.getLogger(__name__)

InfoSource = Callable[[str], Mapping[str, Any] | None]


def entry(registry: Registry, name: str) -> dict[str, Any] | None:
    """The entry of one class; None when it is not registered or can't say what its inputs are."""
    definition = registry.get(name)
    if definition is None:
        return None
    try:
        return dict(object_info(definition))
    except Exception:  # a broken pack must not hide the other nodes
        log.exception("node %r can't describe its inputs", name)
        return None


def info_source(registry: Registry) -> InfoSource:
    """An info source for one conversion: each class is asked once."""
    known: dict[str, Mapping[str, Any] | None] = {}

    def info(name: str) -> Mapping[str, Any] | None:
        if name not in known:
            known[name] = entry(registry, name)
        return known[name]

    return info

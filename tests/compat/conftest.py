from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from comfy_notebook import compat
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from ..engine import sample_nodes
from ..engine.conftest import Door, make_door, node

compat.install()

__all__ = ["Door", "node"]


@pytest.fixture
def door() -> Iterator[Door]:
    """An engine with the V1 sample nodes."""
    made = make_door()
    yield made
    made.engine.shutdown(timeout=5)


def register(door: Door, *classes: Any) -> None:
    for cls in classes:
        door.engine.registry.register(definition_from_class(cls.GET_SCHEMA().node_id, cls))


def bare_engine(*classes: Any) -> Engine:
    registry = Registry()
    for cls in (*classes, sample_nodes.Number):
        registry.register(definition_from_class(cls.__name__, cls))
    return Engine(registry, EventBus())

"""An engine that knows the built-in nodes and works in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_notebook import folders, nodes
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    nodes.register_all(registry)
    return registry


@pytest.fixture
def engine(tmp_path: Path, registry: Registry, bus: EventBus) -> Iterator[Engine]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path, temp=tmp_path / "temp"))
    engine = Engine(registry, bus, folders.current())
    yield engine
    engine.shutdown()
    folders.use(before)

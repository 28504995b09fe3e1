from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from comfy_notebook.engine import Engine, Event, EventBus, ResultCache
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from . import sample_nodes

Prompt = dict[str, Any]


@dataclass
class Door:
    """An engine with the sample nodes and a client that writes everything down."""

    engine: Engine
    events: list[Event] = field(default_factory=list)

    def run(self, prompt: Prompt, **options: Any) -> dict[str, Any]:
        """Submit, wait, and answer with the history entry plus the prompt id under ``id``."""
        self.events.clear()
        sample_nodes.CALLS.clear()
        submission = self.engine.submit(prompt, client_id="client", **options)
        return {**self.engine.wait(submission.prompt_id, 30), "id": submission.prompt_id}

    def value(self, prompt: Prompt, node_id: str, slot: int = 0) -> Any:
        """The list in one output slot after a run that must succeed."""
        entry = self.run(prompt)
        assert entry["status"]["completed"], entry["status"]["messages"]
        values = self.engine.values(entry["id"], node_id)
        assert values is not None
        return values[slot]

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def of(self, type: str) -> list[Any]:
        return [event.data for event in self.events if event.type == type]

    def calls(self, name: str) -> list[Any]:
        return [what for who, what in sample_nodes.CALLS if who == name]


def make_door(cache: ResultCache | None = None) -> Door:
    registry, bus = Registry(), EventBus()
    for name, cls in sample_nodes.ALL.items():
        registry.register(definition_from_class(name, cls))
    door = Door(Engine(registry, bus, cache=cache))
    bus.subscribe(door.events.append, "client")
    return door


@pytest.fixture
def door() -> Iterator[Door]:
    sample_nodes.GATE.clear()
    sample_nodes.Changed.answer = 0
    made = make_door()
    yield made
    made.engine.shutdown(timeout=5)


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}

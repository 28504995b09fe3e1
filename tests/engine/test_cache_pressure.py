"""The default cache when memory runs short: simulated, free memory is what a machine of a given size has left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from comfy_notebook.engine import ResultCache
from comfy_notebook.engine import memory as engine_memory

from . import sample_nodes
from .conftest import Door, make_door, node
from .test_events import register

MB = 2**20


class Block:
    """Stands for a tensor of ``nbytes`` bytes."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


class Make(sample_nodes.Node):
    RETURN_TYPES = ("IMAGE",)
    INPUT_TYPES = sample_nodes.inputs({"size": ("INT", {}), "salt": ("INT", {})}, {"after": ("IMAGE", {})})

    def go(self, size: int, salt: int, after: Any = None) -> Any:
        sample_nodes.CALLS.append(("Make", (size, salt)))
        return (Block(size * MB),)


class Machine:
    """Its free memory shrinks by what the cache holds."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.cache = ResultCache(keep=2**60)  # pressure alone
        self.lowest = total

    def held(self) -> int:
        return sum(entry.size for entry in self.cache._entries.values())

    def available(self) -> int:
        free = self.total - self.held()
        self.lowest = min(self.lowest, free)
        return free


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(16 * 1024 * MB)
    monkeypatch.setattr(engine_memory, "available", made.available)
    monkeypatch.setattr(engine_memory, "total", lambda: made.total)
    return made


@pytest.fixture
def door(machine: Machine) -> Iterator[Door]:
    made = make_door(machine.cache)
    register(made, Make)
    yield made
    made.engine.shutdown(timeout=5)


def prompt(size: int, salt: int) -> dict[str, Any]:
    return {"m": node("Make", size=size, salt=salt), "q": node("Quiet", value=["m", 0])}


def test_memory_stays_bounded_however_many_prompts_run(door: Door, machine: Machine) -> None:
    for salt in range(60):
        door.run(prompt(1000, salt))
    headroom = machine.total // 10
    assert machine.lowest > 0
    assert machine.available() >= headroom - 1000 * MB
    assert machine.held() > machine.total // 2, "nothing goes without need"


def test_what_was_just_made_is_there_and_what_went_is_made_again(door: Door, machine: Machine) -> None:
    for salt in range(40):
        entry = door.run(prompt(1000, salt))
    values = door.engine.values(entry["id"], "m")
    assert values is not None
    assert values[0][0].nbytes == 1000 * MB
    door.run(prompt(1000, 39))
    assert door.calls("Make") == []
    entry = door.run(prompt(1000, 0))
    assert door.calls("Make") == [(1000, 0)]
    assert entry["status"]["completed"]


def test_small_results_outlive_large_ones(door: Door) -> None:
    door.run(prompt(1, 0))
    for salt in range(40):
        door.run(prompt(1000, salt))
    door.run(prompt(1, 0))
    assert door.calls("Make") == []


def test_one_prompt_larger_than_the_machine_ends(door: Door, machine: Machine) -> None:
    chain = {"0": node("Make", size=1000, salt=0)}
    for index in range(1, 40):
        chain[str(index)] = node("Make", size=1000, salt=0, after=[str(index - 1), 0])
    entry = door.run({**chain, "q": node("Quiet", value=["39", 0])})
    assert entry["status"]["completed"], entry["status"]["messages"]
    assert len(door.calls("Make")) == 40
    assert machine.lowest > 0
    assert machine.held() < machine.total


def test_a_machine_that_tells_nothing_keeps_everything(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_memory, "available", lambda: None)
    for salt in range(40):
        door.run(prompt(1000, salt))
    door.run(prompt(1000, 0))
    assert door.calls("Make") == []

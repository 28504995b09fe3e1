"""Results kept outside the process: who is asked for what, and that no provider can fail a run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from comfy_notebook.engine.cache_providers import CacheContext, CacheProvider, CacheValue

from . import sample_nodes
from .conftest import Door, make_door, node


class Shelf(CacheProvider):
    """Keeps everything in a dict, as another machine would."""

    def __init__(self) -> None:
        self.kept: dict[str, CacheValue] = {}
        self.log: list[tuple[str, str]] = []

    def on_lookup(self, context: CacheContext) -> Any:
        self.log.append(("lookup", context.node_id))
        return self.kept.get(context.cache_key_hash)

    def on_store(self, context: CacheContext, value: CacheValue) -> None:
        self.log.append(("store", context.node_id))
        self.kept[context.cache_key_hash] = value

    def on_prompt_start(self, prompt_id: str) -> None:
        self.log.append(("start", prompt_id))

    def on_prompt_end(self, prompt_id: str) -> None:
        self.log.append(("end", prompt_id))


class AsyncShelf(Shelf):
    async def on_lookup(self, context: CacheContext) -> Any:
        return super().on_lookup(context)

    async def on_store(self, context: CacheContext, value: CacheValue) -> None:  # type: ignore[override]
        super().on_store(context, value)

    async def should_cache(self, context: CacheContext, value: CacheValue | None = None) -> bool:
        return context.class_type != "Add"


PROMPT = {"n": node("Number", value=3), "a": node("Add", a=["n", 0], b=4), "s": node("Show", value=["a", 0])}


@pytest.mark.parametrize(("shelf", "made_again"), [(Shelf(), []), (AsyncShelf(), [("Add", (3, 4))])])
def test_another_process_finds_the_results(shelf: Shelf, made_again: list[Any]) -> None:
    for turn in range(2):
        door = make_door()
        door.engine.cache_providers.register(shelf)
        entry = door.run(PROMPT, prompt_id=f"p{turn}")
        assert entry["outputs"] == {"s": {"text": ["7"]}}
        if turn:
            assert made_again == sample_nodes.CALLS
            assert door.value(PROMPT, "a") == [7]
        door.engine.shutdown(timeout=5)
    assert shelf.log[0] == ("start", "p0")
    assert ("end", "p0") in shelf.log


def test_the_own_cache_comes_first(door: Door) -> None:
    shelf = Shelf()
    door.engine.cache_providers.register(shelf)
    door.run(PROMPT)
    shelf.log.clear()
    door.run(PROMPT)
    assert [what for what, _ in shelf.log] == ["start", "end"]
    door.engine.cache_providers.unregister(shelf)
    door.run({**PROMPT, "n": node("Number", value=9)})
    assert len(shelf.log) == 2


def test_a_node_is_looked_for_once_in_a_run(door: Door) -> None:
    shelf = Shelf()
    door.engine.cache_providers.register(shelf)
    door.run(PROMPT)
    lookups = [who for what, who in shelf.log if what == "lookup"]
    assert sorted(lookups) == ["a", "n", "s"]


def test_results_that_mean_nothing_elsewhere_stay_here(door: Door) -> None:
    shelf = Shelf()
    door.engine.cache_providers.register(shelf)
    sample_nodes.Changed.answer = float("nan")
    door.run({"c": node("Changed", value=1), "s": node("Show", value=["c", 0]), "n": node("Number", value=1)})
    door.run({"n": node("Number", value=object()), "s": node("Quiet", value=1)})
    stored = {who for what, who in shelf.log if what == "store"}
    assert not stored & {"c"}
    assert "s" in stored, "only the second one, which has nothing incomparable above it"
    assert [who for what, who in shelf.log if what == "store"].count("s") == 1


class Broken(CacheProvider):
    def on_lookup(self, context: CacheContext) -> Any:
        raise ConnectionError("gone")

    def on_store(self, context: CacheContext, value: CacheValue) -> None:
        raise ConnectionError("gone")

    def on_prompt_start(self, prompt_id: str) -> None:
        raise ConnectionError("gone")

    def on_prompt_end(self, prompt_id: str) -> None:
        raise ConnectionError("gone")


class Nonsense(CacheProvider):
    def on_lookup(self, context: CacheContext) -> Any:
        return CacheValue([7])  # type: ignore[list-item]

    def on_store(self, context: CacheContext, value: CacheValue) -> None:
        return


@pytest.mark.parametrize("provider", [Broken(), Nonsense(), CacheProvider()])
def test_a_broken_provider_fails_no_run(door: Door, provider: CacheProvider) -> None:
    door.engine.cache_providers.register(provider)
    entry = door.run(PROMPT)
    assert entry["outputs"] == {"s": {"text": ["7"]}}


def test_keys_are_the_same_in_every_process() -> None:
    code = """
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class
class N:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"a": ("INT", {}), "b": ("STRING", {})}})
    def go(self, a, b): return len({"x", "y", b}),
registry = Registry()
registry.register(definition_from_class("N", N))
prompt = {"1": {"class_type": "N", "inputs": {"a": 1, "b": "é"}}, "2": {"class_type": "N", "inputs": {"a": ["1", 0]}}}
print([key.hex() for key in Engine(registry, EventBus()).signatures(prompt).values()])
"""
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1

"""How much the results of older runs may hold: budgets for main memory and GPUs, last runs of open editors apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from comfy_notebook.engine import ResultCache, cache_budget, memory
from comfy_notebook.engine.cache import CacheEntry

from . import sample_nodes
from .conftest import Door, make_door, node
from .test_events import register

MB = 2**20
GB = 2**30


class Array:
    """Stands for a tensor of ``megabytes`` on ``device``."""

    def __init__(self, megabytes: int, device: str = "cpu") -> None:
        self.nbytes = megabytes * MB
        self.device = SimpleNamespace(type=device)


class Make(sample_nodes.Node):
    RETURN_TYPES = ("IMAGE",)
    INPUT_TYPES = sample_nodes.inputs({"size": ("INT", {}), "salt": ("INT", {}), "device": ("STRING", {})})

    def go(self, size: int, salt: int, device: str) -> Any:
        sample_nodes.CALLS.append(("Make", (size, salt)))
        return (Array(size, device),)


def door_with(cache: ResultCache) -> Door:
    door = make_door(cache)
    register(door, Make)
    return door


def run(door: Door, client: str, size: int, salt: int, device: str = "cpu") -> int:
    """How many nodes were computed."""
    sample_nodes.CALLS.clear()
    prompt = {"m": node("Make", size=size, salt=salt, device=device), "q": node("Quiet", value=["m", 0])}
    submission = door.engine.submit(prompt, client_id=client)
    assert door.engine.wait(submission.prompt_id, 30)["status"]["completed"]
    return len(door.calls("Make"))


def held(cache: ResultCache, place: str = "size") -> int:
    total: int = sum(getattr(entry, place) for entry in cache._entries.values())
    assert total == cache._held[place]
    return total


def test_older_runs_stay_within_the_budget_and_the_newest_go_last() -> None:
    cache = ResultCache(keep=1000 * MB)
    door = door_with(cache)
    try:
        for salt in range(60):
            run(door, "client", 200, salt)
            assert held(cache) <= 1200 * MB + 60 * 1000
        assert held(cache) > 1000 * MB, "what fits stays"
        assert run(door, "client", 200, 57) == 0
        assert run(door, "client", 200, 0) == 1
    finally:
        door.engine.shutdown()


def test_what_one_run_holds_is_not_counted() -> None:
    cache = ResultCache(keep=0)
    door = door_with(cache)
    try:
        run(door, "client", 5000, 0)
        assert run(door, "client", 5000, 0) == 0
        run(door, "client", 1, 1)
        assert held(cache) < 2 * MB
    finally:
        door.engine.shutdown()


def test_the_last_run_of_an_open_editor_outlives_all_older_ones_until_the_editor_closes() -> None:
    cache = ResultCache(keep=1000 * MB)
    door = door_with(cache)
    close = door.engine.bus.subscribe(lambda event: None, "editor")
    try:
        run(door, "editor", 3000, -1)
        run(door, "editor", 3000, 0)
        for salt in range(1, 30):
            run(door, f"script {salt}", 200, salt)
        assert held(cache) > 4000 * MB
        cache.release(700 * MB)
        assert run(door, "script", 3000, -1) == 1, "superseded by the editor's next run"
        assert run(door, "editor", 3000, 0) == 0
        close()
        run(door, "script", 200, 99)
        run(door, "script", 200, 100)
        assert held(cache) <= 1200 * MB + 60 * 1000
    finally:
        door.engine.shutdown()


def test_under_pressure_last_runs_go_after_older_ones() -> None:
    cache = ResultCache(keep=2**60)
    sizes = {b"older": 1, b"last": 5000, b"current": 5000}
    for client, key in (("a", b"older"), ("a", b"last"), ("b", b"current")):
        cache.start_prompt([key], client)
        cache.put(key, CacheEntry(([Array(sizes[key])],)))
    for wanted, left in ((1, {b"last", b"current"}), (1, {b"current"}), (1, set())):
        cache.release(wanted)
        assert {key for key in sizes if key in cache} == left


def test_values_on_gpus_have_a_budget_of_their_own() -> None:
    cache = ResultCache(keep=10_000 * MB, keep_on_devices=500 * MB)
    door = door_with(cache)
    try:
        for salt in range(20):
            run(door, "client", 100, salt, "cpu")
            run(door, "client", 100, salt, "cuda")
            assert held(cache, "device_size") <= 600 * MB
        assert held(cache) >= 2000 * MB, "room for one is not taken from the other"
        assert run(door, "client", 100, 0, "cpu") == 0
        assert run(door, "client", 100, 0, "cuda") == 1
        assert cache.release(1) < 200 * MB, "main memory is what is short"
    finally:
        door.engine.shutdown()


def test_a_limit_of_free_memory_alone_keeps_everything() -> None:
    cache = ResultCache("ram", 1)
    door = door_with(cache)
    try:
        for salt in range(20):
            run(door, "client", 1000, salt)
        assert run(door, "client", 1000, 0) == 0
    finally:
        door.engine.shutdown()


def test_counts_follow_what_comes_and_goes() -> None:
    cache = ResultCache(keep=0)
    for _ in range(2):
        cache.put(b"a", CacheEntry(([Array(7)],)))
    cache.put(b"b", CacheEntry(([{"samples": Array(7, "mps")}],)))
    assert held(cache) == pytest.approx(7 * MB, abs=1000)
    assert held(cache, "device_size") == 7 * MB
    cache.start_prompt([b"b"])
    assert b"a" not in cache
    assert held(cache) < 1000
    cache.clear()
    assert held(cache) == held(cache, "device_size") == 0


@pytest.mark.parametrize(("total", "text", "budget"), [
    (8 * GB, "", 2 * GB), (64 * GB, "", 4 * GB), (None, "", 2 * GB),
    (8 * GB, "0.5", GB // 2), (8 * GB, "0", 0), (8 * GB, "9", 9 * GB),
    (8 * GB, "lots", 2 * GB), (8 * GB, "-1", 2 * GB), (8 * GB, "nan", 2 * GB), (8 * GB, "inf", 2 * GB),
])  # fmt: skip
def test_the_budget_follows_the_machine_or_who_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, total: int | None, text: str, budget: int
) -> None:
    monkeypatch.setattr(memory, "total", lambda: total)
    monkeypatch.setenv("COMFY_NOTEBOOK_CACHE_GB", text)
    assert cache_budget.in_memory() == budget
    assert ("is no number" in caplog.text) is (text in ("lots", "-1", "nan", "inf"))

"""What is reused and what is not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from comfy_notebook.engine import ResultCache
from comfy_notebook.engine.cache import CacheEntry
from comfy_notebook.engine.memory import sizes_of
from comfy_notebook.protocol.function import definition_from_function

from . import sample_nodes
from .conftest import Door, make_door, node


def graph(value: Any = 1, b: Any = 2, id: str = "n") -> dict[str, Any]:
    return {
        id: node("Number", value=value),
        f"{id}+": node("Add", a=[id, 0], b=b),
        f"{id}!": node("Show", value=[f"{id}+", 0]),
    }


def test_nothing_runs_twice(door: Door) -> None:
    first = door.run(graph())
    again = door.run(graph())
    assert sample_nodes.CALLS == []
    assert again["outputs"] == first["outputs"] == {"n!": {"text": ["3"]}}
    assert set(door.of("execution_cached")[0]["nodes"]) == {"n", "n+", "n!"}
    assert [event["output"] for event in door.of("executed")] == [{"text": ["3"]}]
    assert door.of("executing") == [{"node": None, "prompt_id": again["id"]}]


def test_ids_do_not_matter(door: Door) -> None:
    door.run(graph(id="one"))
    door.run(graph(id="two"))
    assert sample_nodes.CALLS == []


def test_only_what_depends_on_a_change_runs(door: Door) -> None:
    door.run(graph())
    door.run(graph(b=3))
    assert sample_nodes.CALLS == [("Add", (1, 3)), ("Show", 4)]


def test_twins_in_one_prompt_share_their_result(door: Door) -> None:
    entry = door.run({**graph(id="one"), **graph(id="two")})
    assert len(door.calls("Number")) == len(door.calls("Add")) == len(door.calls("Show")) == 1
    assert entry["outputs"] == {"one!": {"text": ["3"]}, "two!": {"text": ["3"]}}


@pytest.mark.parametrize("class_type", ["NotIdempotent"])
def test_twins_that_want_no_sharing(door: Door, class_type: str) -> None:
    prompt = {
        "a": node(class_type, value=1),
        "b": node(class_type, value=1),
        "s": node("Sum", x=["a", 0], y=["b", 0]),
    }
    door.run(prompt)
    assert len(door.calls("Number")) == 2
    door.run(prompt)
    assert door.calls("Number") == [], "it is cached all the same"


def test_the_unique_id_is_part_of_the_key(door: Door) -> None:
    prompt = {
        "a": node("OwnId", value=1),
        "b": node("OwnId", value=1),
        "s": node("Show", value=["a", 0]),
        "t": node("Show", value=["b", 0]),
    }
    texts = [ui["text"][0].split()[0] for ui in door.run(prompt)["outputs"].values()]
    assert sorted(texts) == ["a", "b"]


@pytest.mark.parametrize(
    ("answers", "runs"),
    [
        ([0, 0], [1, 0]),
        ([0, 1], [1, 1]),
        ([True, True], [1, 0]),
        ([math.nan, math.nan], [1, 1]),
        (["a", "a", "b"], [1, 0, 1]),
        ([[1, 2], [1, 2]], [1, 0]),
        ([object(), object()], [1, 1]),
    ],
)
def test_is_changed(door: Door, answers: list[Any], runs: list[int]) -> None:
    seen = []
    for answer in answers:
        sample_nodes.Changed.answer = answer
        door.run({"x": node("Changed", value=1), "s": node("Show", value=["x", 0])})
        seen.append(len(door.calls("Changed")))
    assert seen == runs


def test_is_changed_receives_constants_and_none_for_links(door: Door) -> None:
    door.run({"n": node("Number", value=4), "x": node("Changed", value=["n", 0]), "s": node("Show", value=["x", 0])})
    assert door.calls("IS_CHANGED") == [None]


def test_is_changed_that_cannot_be_called_means_changed(door: Door) -> None:
    prompt = {"x": node("ChangedNotCallable", value=1), "s": node("Show", value=["x", 0])}
    for _ in range(2):
        door.run(prompt)
        assert door.calls("Changed") == [1]


def test_nan_constants_equal_nothing(door: Door) -> None:
    prompt = {"x": node("TakesAll", v=float("nan")), "s": node("Show", value=["x", 0])}
    door.run(prompt)
    door.run(prompt)
    assert door.of("execution_cached")[0]["nodes"] == []


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), ("1", 1), ([1], ["1"]), ({"a": 1}, {"a": 2}), (None, "None")]
)
def test_constants_that_differ_only_in_type_are_not_mixed_up(door: Door, one: Any, other: Any) -> None:
    def run(value: Any) -> Any:
        return door.value({"x": node("TakesAll", v=value), "s": node("Show", value=["x", 0])}, "x")

    for _ in range(2):
        for value in (one, other):
            wrapped = {"__value__": value} if isinstance(value, list) else value
            assert run(wrapped) == [repr([("v", value)])]


def define(door: Door, source: str, **names: Any) -> None:
    """Evaluate a cell that defines ``f`` and register it as the node ``f``."""
    namespace: dict[str, Any] = dict(names)
    exec(source, namespace)
    door.engine.registry.register(definition_from_function(namespace["f"]))


def test_a_function_node_runs_again_when_its_code_changes(door: Door) -> None:
    prompt = {"x": node("f", a=1), "s": node("Show", value=["x", 0])}
    define(door, "def f(a: int) -> int: return a + 1")
    assert door.value(prompt, "x") == [2]
    define(door, "\n\n# moved\ndef f(a: int) -> int:\n    return a + 1")
    assert door.value(prompt, "x") == [2]
    assert set(door.of("execution_cached")[0]["nodes"]) == {"x", "s"}, "the same code again"
    define(door, "def f(a: int) -> int: return a + 2")
    assert door.value(prompt, "x") == [3]
    define(door, "def f(a: int, b: int = 5) -> int: return a + b")
    assert door.value(prompt, "x") == [6]
    define(door, "def f(a: int, b: int = 6) -> int: return a + b")
    assert door.value(prompt, "x") == [7]


def test_signatures_tell_what_is_stale(door: Door) -> None:
    before = door.engine.signatures(graph())
    assert before == door.engine.signatures(graph())
    changed = door.engine.signatures(graph(b=3))
    assert changed["n"] == before["n"]
    assert changed["n+"] != before["n+"]
    assert changed["n!"] != before["n!"]
    sample_nodes.Changed.answer = math.nan
    always = {"x": node("Changed", value=1)}
    assert door.engine.signatures(always) == door.engine.signatures(always)
    assert set(door.engine.signatures({"x": node("Nowhere", a=["gone", 0])})) == {"x"}


MODES = [ResultCache("ram"), ResultCache("classic"), ResultCache("lru", 3), ResultCache("lru", 0), ResultCache("none")]


@pytest.mark.parametrize("cache", MODES, ids=lambda cache: cache.mode)
def test_every_mode_gives_the_same_results(cache: ResultCache) -> None:
    door = make_door(cache)
    try:
        for value in (1, 2, 1):
            assert door.run(graph(value))["outputs"] == {"n!": {"text": [str(value + 2)]}}
            loop = {"x": node("Repeat", times=5, value=value), "s": node("Show", value=["x", 0])}
            assert door.run(loop)["outputs"]["s"]["text"] == [str(value + 5)]
    finally:
        door.engine.shutdown()


@pytest.mark.parametrize(
    ("cache", "runs"), [(("ram",), 0), (("classic",), 1), (("lru", 3), 0), (("lru", 1), 1), (("none",), 1)]
)
def test_what_is_left_of_the_prompt_before_the_last(cache: Any, runs: int) -> None:
    door = make_door(ResultCache(*cache))
    try:
        for value in (1, 2, 1):
            door.run(graph(value))
        assert len(door.calls("Number")) == runs
    finally:
        door.engine.shutdown()


def test_expanded_nodes_stay_with_their_owner_in_classic_mode() -> None:
    door = make_door(ResultCache("classic"))
    try:
        prompt = {"x": node("Repeat", times=5, value=1), "s": node("Show", value=["x", 0])}
        door.run(prompt)
        door.run(prompt)
        assert sample_nodes.CALLS == []
    finally:
        door.engine.shutdown()


def test_memory_pressure_evicts_large_and_old_results_first() -> None:
    cache = ResultCache("ram")
    entries = {b"old small": 100, b"old large": 5000, b"new large": 5000, b"current": 9000}
    cache.start_prompt([])
    for key in (b"old small", b"old large"):
        cache.put(key, CacheEntry(([bytes(entries[key])],)))
    for _ in range(3):
        cache.start_prompt([b"current"])
    for key in (b"new large", b"current"):
        cache.put(key, CacheEntry(([bytes(entries[key])],)))
    assert cache.release(1) > 5000
    assert cache.get(b"old large") is None
    assert cache.get(b"old small") is not None
    cache.release(10**9)
    assert cache.get(b"current") is not None
    assert len(cache) == 1


class Tensor:
    def element_size(self) -> int:
        return 4

    def nelement(self) -> int:
        return 1000


@pytest.mark.parametrize(("value", "least", "most"), [
    (Tensor(), 4000, 4000),
    ([Tensor(), {"samples": Tensor()}], 8000, 8400),
    ("x" * 1000, 1000, 1100),
    (object(), 1, 100),
    (None, 1, 100),
])  # fmt: skip
def test_sizes(value: Any, least: int, most: int) -> None:
    assert least <= sum(sizes_of(value)) <= most

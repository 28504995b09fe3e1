"""Random graphs with lists, lazy inputs and blockers: the engine gives what a naive recursive evaluation gives and runs
what that evaluates, no more and no less; from the cache it gives the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_notebook.engine import ResultCache
from comfy_notebook.protocol.blocking import ExecutionBlocker

from .conftest import Door, make_door, node
from .sample_nodes import Node, inputs
from .test_events import register

ANY: Any = ("*", {})
SALT: Any = {"salt": ("INT", {})}  # makes every node mean something else, so that none shares a result


class Mix(Node):
    INPUT_TYPES = inputs({**SALT, "a": ANY, "b": ANY})

    def go(self, salt: int, a: int, b: int) -> Any:
        return ((3 * a + 5 * b + salt) % 7,)


class Fan(Node):
    """A list as long as the value says, at most 3; may be empty."""

    OUTPUT_IS_LIST = (True,)
    INPUT_TYPES = inputs({**SALT, "a": ANY})

    def go(self, salt: int, a: int) -> Any:
        return ([a + step for step in range(a % 4)],)


class Fold(Node):
    INPUT_IS_LIST = True
    INPUT_TYPES = inputs({**SALT, "a": ANY})

    def go(self, salt: list[int], a: list[int]) -> Any:
        return ((sum(a) + 10 * len(a) + salt[0]) % 11,)


class Pick(Node):
    INPUT_TYPES = inputs({**SALT, "which": ANY, "yes": ("*", {"lazy": True}), "no": ("*", {"lazy": True})})

    def check_lazy_status(self, salt: int, which: int, yes: Any, no: Any) -> list[str]:
        return ["yes" if which % 2 else "no"]

    def go(self, salt: int, which: int, yes: Any, no: Any) -> Any:
        return (yes if which % 2 else no,)


class Gate(Node):
    INPUT_TYPES = inputs({**SALT, "a": ANY})

    def go(self, salt: int, a: int) -> Any:
        return (ExecutionBlocker(None) if a > 4 else a,)


class Seen(Node):
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    INPUT_TYPES = inputs({**SALT, "a": ANY})

    def go(self, salt: int, a: int) -> Any:
        return {"ui": {"seen": [a]}}


KINDS: dict[str, Any] = {cls.__name__: cls for cls in (Mix, Fan, Fold, Pick, Gate, Seen)}
NAMES = {"Mix": ("a", "b"), "Fan": ("a",), "Fold": ("a",), "Pick": ("which", "yes", "no"), "Gate": ("a",)}
Row = tuple[str, dict[str, Any]]  # kind, inputs: an int, or the number of an earlier row in a tuple


@st.composite
def graphs(draw: st.DrawFn) -> list[Row]:
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    rows: list[Row] = [("Fan", {"a": length}) for length in lengths]
    for index in range(len(rows), len(rows) + draw(st.integers(1, 8))):
        links = st.tuples(st.integers(0, index - 1))
        value = st.one_of(links, links, links, st.integers(0, 6))
        kind = draw(st.sampled_from(["Mix", "Pick", "Gate", "Fold", *sorted(NAMES)]))
        rows.append((kind, {name: draw(value) for name in NAMES[kind]}))
    ends = draw(st.lists(st.integers(len(lengths), len(rows) - 1), min_size=1, max_size=3, unique=True))
    return [*rows, *(("Seen", {"a": (end,)}) for end in ends)]


class FailedError(Exception):
    """A list is empty beside one that is not."""


class Naive:
    """Each node is evaluated when another asks for it."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.values: dict[int, list[Any]] = {}

    def outputs(self) -> dict[int, list[Any]]:
        """What each output node shows; nothing of one that is blocked throughout."""
        ends = [index for index, (kind, _) in enumerate(self.rows) if kind == "Seen"]
        shown = {end: [value for value in self.value(end) if not is_blocker(value)] for end in ends}
        return {end: values for end, values in shown.items() if values}

    def value(self, index: int) -> list[Any]:
        if index not in self.values:
            self.values[index] = self.evaluate(index)
        return self.values[index]

    def evaluate(self, index: int) -> list[Any]:
        kind, given_as = self.rows[index]
        cls = KINDS[kind]
        lazy = {name for name in given_as if kind == "Pick" and name != "which"}
        lists: dict[str, Any] = {"salt": [index]}
        for name, value in given_as.items():
            if not isinstance(value, tuple):
                lists[name] = [value]
            else:
                lists[name] = [None] if name in lazy else self.value(value[0])
        while lazy:
            asked = {
                name
                for call in calls(lists)
                if not any(map(is_blocker, call.values()))
                for name in cls().check_lazy_status(**call)
            }
            missing = {name for name in asked & lazy if isinstance(given_as[name], tuple)}
            if not missing:
                break
            lists |= {name: self.value(given_as[name][0]) for name in missing}
            lazy -= missing
        if kind == "Fold":
            blocked = any(is_blocker(item) for items in lists.values() for item in items)
            return [ExecutionBlocker()] if blocked else [cls().go(**lists)[0]]
        result: list[Any] = []
        for call in calls(lists):
            if any(map(is_blocker, call.values())):
                result.append(ExecutionBlocker())
            elif kind == "Seen":
                result += cls().go(**call)["ui"]["seen"]
            elif kind == "Fan":
                result += cls().go(**call)[0]
            else:
                result.append(cls().go(**call)[0])
        return result


def calls(lists: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    if not all(lists.values()):
        raise FailedError
    count = max(map(len, lists.values()))
    return [{name: items[min(at, len(items) - 1)] for name, items in lists.items()} for at in range(count)]


def is_blocker(value: Any) -> bool:
    return isinstance(value, ExecutionBlocker)


def as_prompt(rows: list[Row], prefix: str) -> dict[str, Any]:
    def sent(value: Any) -> Any:
        return [f"{prefix}{value[0]}", 0] if isinstance(value, tuple) else value

    return {
        f"{prefix}{index}": node(kind, salt=index, **{name: sent(value) for name, value in given_as.items()})
        for index, (kind, given_as) in enumerate(rows)
    }


def compare(door: Door, rows: list[Row], prefix: str, *, fresh: bool) -> None:
    naive = Naive(rows)
    entry = door.run(as_prompt(rows, prefix))
    ran = {data["node"] for data in door.of("executing")} - {None}
    try:
        expected = naive.outputs()
    except FailedError:
        assert entry["status"]["messages"][-1][1]["exception_type"] == "IndexError"
        return
    assert entry["status"]["completed"], entry["status"]["messages"]
    assert entry["outputs"] == {f"{prefix}{end}": {"seen": values} for end, values in expected.items()}
    assert ran == ({f"{prefix}{index}" for index in naive.values} if fresh else set())


@pytest.mark.parametrize("mode", ["ram", "classic", "none"])
def test_random_graphs_of_lists(mode: str) -> None:
    door = make_door(ResultCache(mode))
    register_all(door)

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graphs())
    def check(rows: list[Row]) -> None:
        door.engine.free()
        compare(door, rows, "n", fresh=True)
        compare(door, rows, "n", fresh=mode == "none")
        compare(door, rows, "m", fresh=mode == "none")

    try:
        check()
    finally:
        door.engine.shutdown()


def test_results_kept_from_other_graphs_change_nothing() -> None:
    door, fresh = make_door(), make_door(ResultCache("none"))
    register_all(door)
    register_all(fresh)

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graphs())
    def check(rows: list[Row]) -> None:
        kept, new = (one.run(as_prompt(rows, "n")) for one in (door, fresh))
        assert kept["status"]["completed"] == new["status"]["completed"]
        if new["status"]["completed"]:  # what was shown before a failure depends on the order
            assert kept["outputs"] == new["outputs"]

    try:
        check()
    finally:
        door.engine.shutdown()
        fresh.engine.shutdown()


def register_all(door: Door) -> None:
    for cls in KINDS.values():
        register(door, cls)

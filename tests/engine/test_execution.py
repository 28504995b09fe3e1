"""What a run does: values, lists, laziness, blockers, expansion, async, hidden inputs."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_notebook.engine import ResultCache

from . import sample_nodes
from .conftest import Door, make_door, node


def shown(**nodes: Any) -> dict[str, Any]:
    """Nodes plus one that shows the first output of ``x``."""
    return {**nodes, "show": node("Show", value=["x", 0])}


VALUES = [
    ("a constant", shown(x=node("Number", value=3)), [3]),
    ("text is converted", shown(x=node("Number", value="4")), [4]),
    ("a wrapped constant", shown(x=node("Number", value={"__value__": 5})), [5]),
    ("links", shown(a=node("Number", value=1), x=node("Add", a=["a", 0], b=2)), [3]),
    ("a float slot", shown(a=node("Number", value=1), x=node("Add", a=["a", 0.0], b=2)), [3]),
    ("an undeclared link is passed", shown(a=node("Number", value=6), x=node("Sum", foo=["a", 0])), [6]),
    ("an undeclared constant is dropped", shown(x=node("Sum", foo=6)), [0]),
    ("a dict that claims all names", shown(x=node("TakesAll", foo=6, bar="z")), ["[('bar', 'z'), ('foo', 6)]"]),
    ("list mapping", shown(a=node("Range", count=3), x=node("Add", a=["a", 0], b=10)), [10, 11, 12]),
    (
        "the shorter list repeats its last",
        shown(a=node("Range", count=3), b=node("Range", count=2), x=node("Add", a=["a", 0], b=["b", 0])),
        [0, 2, 3],
    ),
    ("input is list", shown(a=node("Range", count=4), x=node("Gather", value=["a", 0])), [4]),
    ("a static method with keywords", shown(x=node("Keyword", a=3, b=4)), [12]),
    ("raw links", shown(a=node("Number", value=1), x=node("RawLink", value=["a", 0])), ["['a', 0]"]),
    ("a loose output type", shown(a=node("Text", value="t"), x=node("Loose", value=["a", 0])), ["t"]),
    ("a loose type into a number", shown(a=node("Loose", value=7), x=node("Add", a=["a", 0], b=1)), [8]),
    ("unions match", shown(a=node("Number", value=2), x=node("TypedUnion", value=["a", 0])), [2]),
    ("a bool combo", shown(x=node("Choice", old="a", new="y", flag=True)), ["ayTrue"]),
    ("async", shown(x=node("AsyncAdd", a=1, b=2)), [3]),
    ("a loop of 30", shown(x=node("Repeat", times=30, value=1)), [31]),
    ("mapped expansion", shown(a=node("Range", count=4), x=node("Repeat", times=["a", 0], value=10)), [10, 11, 12, 13]),
    ("objects as constants", shown(x=node("Opaque", value=8)), [8]),
    ("async mapped", shown(a=node("Range", count=3), x=node("AsyncAdd", a=["a", 0], b=1)), [1, 2, 3]),
    ("hidden inputs", shown(x=node("OwnId", value=1)), ["x 2 None"]),
    ("types asked for by an async check", shown(a=node("Text", value="t"), x=node("PickyTypes", a=["a", 0])), [0]),
]


@pytest.mark.parametrize(("prompt", "expected"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_values(door: Door, prompt: dict[str, Any], expected: list[Any]) -> None:
    assert door.value(prompt, "x") == expected
    assert door.value(prompt, "x") == expected, "the cached result differs"
    outputs = door.engine.history.all(max_items=1)
    assert next(iter(outputs.values()))["outputs"]["show"] == {"text": [str(value) for value in expected]}


def test_a_slot_beyond_the_outputs_gives_none(door: Door) -> None:
    """Slots are checked on declared inputs; through an undeclared one the consumer receives None."""
    entry = door.run(
        {"a": node("Number", value=1), "x": node("TakesAll", v=["a", 3]), "s": node("Show", value=["x", 0])}
    )
    assert entry["outputs"]["s"]["text"] == ["[('v', None)]"]


@pytest.mark.parametrize(("which", "runs", "skipped"), [(True, 1, 2), (False, 2, 1)])
def test_only_the_branch_that_is_asked_for_runs(door: Door, which: bool, runs: int, skipped: int) -> None:
    prompt = shown(
        one=node("Number", value=1),
        two=node("Number", value=2),
        x=node("Switch", which=which, on_true=["one", 0], on_false=["two", 0]),
    )
    assert door.value(prompt, "x") == [runs]
    assert door.calls("Number") == [runs]
    assert skipped not in door.calls("Number")


def test_both_branches_when_list_items_differ(door: Door) -> None:
    prompt = shown(
        which=node("Range", count=2),
        one=node("Number", value=1),
        two=node("Number", value=2),
        x=node("Switch", which=["which", 0], on_true=["one", 0], on_false=["two", 0]),
    )
    prompt["x"]["inputs"]["which"] = ["any", 0]
    prompt["any"] = node("Loose", value=["which", 0])
    assert door.value(prompt, "x") == [2, 1]


def test_blockers_skip_what_depends_on_them(door: Door) -> None:
    prompt = shown(a=node("Block", value=1, message=""), x=node("Add", a=["a", 0], b=1))
    entry = door.run(prompt)
    assert entry["status"]["completed"]
    assert door.calls("Add") == door.calls("Show") == []
    assert entry["outputs"] == {}
    assert door.of("execution_error") == []


def test_a_blocker_with_a_message_says_so_once(door: Door) -> None:
    prompt = shown(a=node("Block", value=1, message="stop here"), x=node("Add", a=["a", 0], b=1))
    entry = door.run(prompt)
    assert entry["status"]["completed"]
    (error,) = door.of("execution_error")
    assert error["exception_type"] == "ExecutionBlocked"
    assert error["exception_message"] == "Execution Blocked: stop here"
    assert error["node_id"] == "x"
    assert "execution_error" not in [message[0] for message in entry["status"]["messages"]]


def test_other_list_items_run_beside_a_blocked_one(door: Door) -> None:
    prompt = shown(
        a=node("Range", count=3),
        b=node("Block", value=["a", 0], message="", above=1),
        x=node("Add", a=["b", 0], b=10),
    )
    entry = door.run(prompt)
    assert door.calls("Add") == [(0, 10), (1, 10)]
    assert entry["outputs"]["show"]["text"] == ["10", "11"]


def test_async_nodes_that_mean_the_same_run_once_even_while_under_way(door: Door) -> None:
    sample_nodes.AsyncAdd.most = sample_nodes.AsyncAdd.runs = 0
    twins = {str(n): node("AsyncAdd", a=1, b=2) for n in range(10)}
    other = {"other": node("AsyncAdd", a=5, b=2)}
    sums = {"s": node("Sum", **{f"v{n}": [str(n), 0] for n in range(10)}, other=["other", 0])}
    assert door.value({**twins, **other, **sums}, "s") == [37]
    assert (sample_nodes.AsyncAdd.runs, sample_nodes.AsyncAdd.most) == (2, 2)


def test_twins_of_an_async_node_run_each_where_nothing_is_kept() -> None:
    door = make_door(ResultCache("none"))
    sample_nodes.AsyncAdd.runs = 0
    try:
        prompt = {str(n): node("AsyncAdd", a=1, b=2) for n in range(3)}
        entry = door.run({**prompt, "s": node("Sum", **{f"v{n}": [str(n), 0] for n in range(3)})})
        assert entry["outputs"]["s"] == {"sum": [9]}
        assert sample_nodes.AsyncAdd.runs == 3
    finally:
        door.engine.shutdown(timeout=5)


def test_async_nodes_run_side_by_side(door: Door) -> None:
    sample_nodes.AsyncAdd.most = 0
    prompt = {str(n): node("AsyncAdd", a=n, b=0) for n in range(20)}
    prompt["sum"] = node("Sum", **{f"v{n}": [str(n), 0] for n in range(20)})
    assert door.value(prompt, "sum") == [190]
    assert sample_nodes.AsyncAdd.most == 20


def test_only_the_wanted_outputs_run(door: Door) -> None:
    prompt = {
        "a": node("Number", value=1),
        "b": node("Number", value=2),
        "s1": node("Show", value=["a", 0]),
        "s2": node("Show", value=["b", 0]),
    }
    door.run(prompt, targets=["s2"])
    assert door.calls("Number") == [2]
    assert door.calls("Show") == [2]


def test_instances_live_as_long_as_their_node(door: Door) -> None:
    def prompt(value: int, id: str) -> dict[str, Any]:
        return {id: node("Counter", value=value), "show": node("Show", value=[id, 0])}

    assert [door.value(prompt(value, "c"), "c") for value in (1, 2, 3)] == [[1], [2], [3]]
    assert door.value(prompt(4, "d"), "d") == [1]
    assert door.value(prompt(5, "c"), "c") == [1], "the instance left with its node"


def test_extra_pnginfo_reaches_the_node(door: Door) -> None:
    entry = door.run(shown(x=node("OwnId", value=2)), extra_data={"extra_pnginfo": {"workflow": 1}})
    assert entry["outputs"]["show"]["text"] == ["x 2 {'workflow': 1}"]


def test_nodes_share_a_pnginfo_of_their_own(door: Door) -> None:
    document: dict[str, Any] = {"workflow": {"nodes": []}}
    prompt = shown(a=node("WritesInfo", value=1), x=node("WritesInfo", value=["a", 0]))
    entry = door.run(prompt, extra_data={"extra_pnginfo": document})
    assert entry["outputs"]["show"]["text"] == ["2"], "the second sees what the first wrote"
    assert document == {"workflow": {"nodes": []}}


def test_what_reached_an_output_node(door: Door) -> None:
    entry = door.run(shown(a=node("Range", count=2), x=node("Add", a=["a", 0], b=1)))
    assert door.engine.inputs_of(entry["id"], "show") == {"value": [1, 2]}
    assert door.engine.inputs_of(entry["id"], "x") == {"a": [0, 1]}
    assert door.engine.values(entry["id"], "show") == ()
    assert door.engine.values(entry["id"], "nowhere") is None
    assert door.engine.values("no such prompt", "x") is None
    assert door.engine.inputs_of("no such prompt", "x") is None


def test_output_nodes_inside_an_expansion_run(door: Door) -> None:
    prompt = {"e": node("ExpandWith", make="Quiet", value=3), "s": node("Show", value=["e", 0])}
    entry = door.run(prompt)
    assert entry["status"]["completed"]
    assert entry["outputs"]["s"]["text"] == ["None"], "Quiet has no outputs"
    states = door.of("progress_state")[-1]["nodes"]
    (inner,) = [state for id, state in states.items() if id.startswith("e.")]
    assert (inner["display_node_id"], inner["parent_node_id"], inner["real_node_id"]) == ("e", "e", "e")

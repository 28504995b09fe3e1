"""Runs of thousands of nodes, told to clients that take no message of more than 1 MiB."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_notebook.server import progress_parts
from comfy_notebook.session import Session

from .cases import Prompt, n, text
from .doors import Door, Widget


def chain(length: int) -> Prompt:
    prompt = {"1": n("Number", value=0)}
    prompt |= {str(i): n("Add", a=[str(i - 1), 0], b=1) for i in range(2, length + 1)}
    return {**prompt, "0": n("Show", value=[str(length), 0])}


LARGE = [
    ("a chain of 5000", chain(5000), {"0": text(4999)}, 5001),
    (
        "a recursion of 250",
        {"1": n("Countdown", times=250, value=0), "2": n("Show", value=["1", 0])},
        {"2": text(250)},
        502,
    ),
]


@pytest.mark.parametrize(("prompt", "outputs", "count"), [row[1:] for row in LARGE], ids=[row[0] for row in LARGE])
def test_every_node_is_told_and_its_last_state_arrives(
    session: Session, doors: list[Door], prompt: Prompt, outputs: Any, count: int
) -> None:
    for door in doors:
        if isinstance(door, Widget) and len(prompt) > 1000:
            continue  # the document that is made of it first takes longer than all the rest
        session.engine.free()
        told = door.run(prompt)
        assert told.outputs == outputs
        executing = told.executing()
        assert len(executing) == len(set(executing)) == count
        states: dict[str, Any] = {}
        for data in told.of("progress_state"):
            states |= {node: state["state"] for node, state in data["nodes"].items()}
        assert states == dict.fromkeys(executing, "finished"), door.name


def test_what_a_pack_sends_under_the_same_name_passes() -> None:
    for data in ({}, {"nodes": 5}, {"nodes": {"1": {}}, "prompt_id": "p"}):
        assert progress_parts.ProgressParts().of(data) == [data]


def test_a_small_run_is_told_whole_each_time() -> None:
    parts = progress_parts.ProgressParts()
    data = {"prompt_id": "p", "nodes": {str(i): {"state": "finished"} for i in range(500)}}
    assert parts.of(data) == parts.of(data) == [data]


def test_a_large_run_is_told_by_what_is_new_and_what_runs_comes_last() -> None:
    parts = progress_parts.ProgressParts()
    done = {str(i): {"state": "finished"} for i in range(5000)}
    first = parts.of({"prompt_id": "p", "nodes": {"r": {"state": "running"}, **done}})
    assert len(first) > 1
    assert {node for part in first for node in part["nodes"]} == {*done, "r"}
    assert list(first[-1]["nodes"])[-1] == "r"
    (second,) = parts.of({"prompt_id": "p", "nodes": {**done, "r": {"state": "running"}, "x": {"state": "finished"}}})
    assert list(second["nodes"]) == ["x", "r"]
    again = parts.of({"prompt_id": "another", "nodes": done})
    assert sum(len(part["nodes"]) for part in again) == 5000

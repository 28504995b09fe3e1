"""The table of what runs mean, through every door: the same results, the same messages in the same order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from comfy_notebook.session import Session

from . import pack
from .cases import CASES, Case, n, text
from .doors import Door, Message, Told, is_end


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_through_every_door(session: Session, doors: list[Door], case: Case) -> None:
    stories: dict[str, list[Message]] = {}
    for door in doors:
        session.engine.free()
        told = door.run(case.prompt, targets=case.targets)
        if case.refused:
            check_complaints(door, case, told)
        if told.refused:
            continue
        check_order_of_messages(told)
        check_outcome(case, told)
        stories[door.name] = told.story()
        if case.error is None:
            check_repetition(case, door.run(case.prompt, targets=case.targets))
    for one, other in pairwise(stories.values()):
        assert one == other


def check_complaints(door: Door, case: Case, told: Told) -> None:
    assert told.refused == (not case.outputs), door.name
    expected = [(node, name) for node, _, name in case.refused if node]
    if told.refused or door.name != "in process":
        assert told.complaints == expected, door.name
    else:
        assert [node for node, _ in told.complaints] == [node for node, _ in expected]
    if told.refusal is None:
        return
    assert set(told.refusal) == {"error", "node_errors"}
    assert set(told.refusal["error"]) == {"type", "message", "details", "extra_info"}
    kinds = [one["type"] for entry in told.refusal["node_errors"].values() for one in entry["errors"]]
    assert (kinds or [told.refusal["error"]["type"]]) == [kind for _, kind, _ in case.refused]
    if kinds:
        assert told.refusal["error"]["type"] == "prompt_outputs_failed_validation"


def check_order_of_messages(told: Told) -> None:
    kinds = [kind for kind, _ in told.messages if kind not in ("progress", "progress_state", "progress_text")]
    assert kinds[:2] == ["execution_start", "execution_cached"]
    assert kinds[-1] == "executing"
    assert is_end(told.messages[-1])
    assert kinds[-2] in ("execution_success", "execution_error", "execution_interrupted")
    assert set(kinds[2:-2]) <= {"executing", "executed", "execution_error"}
    executing = told.executing()
    assert len(executing) == len(set(executing)), "each node is told once"
    for place, (kind, data) in enumerate(told.messages):
        if kind == "executed" and data["node"] in executing:
            begun = [one[1]["node"] for one in told.messages[:place] if one[0] == "executing"]
            assert data["node"] in begun
    states: dict[str, Any] = {}
    for data in told.of("progress_state"):
        states |= data["nodes"]
    assert {node for node in executing if node not in states} == set(), "the last state of each node arrives"
    if told.status == "success":
        assert {state["state"] for state in states.values()} <= {"finished"}


def check_outcome(case: Case, told: Told) -> None:
    own = [node for node in told.executing() if node in case.prompt]
    if case.order is not None:
        assert own == case.order
    if case.ran is not None:
        assert set(own) == case.ran
    blocked = [
        data["exception_message"] for data in told.of("execution_error") if data["exception_type"] == "ExecutionBlocked"
    ]
    assert blocked == case.blocked
    if case.error is None:
        assert told.status == "success"
        assert told.outputs == case.outputs
        shown = {data["node"]: data["output"] for data in told.of("executed") if data["output"]}
        assert shown == case.outputs
        return
    node, kind, message = case.error
    (failure,) = [data for data in told.of("execution_error") if data["exception_type"] != "ExecutionBlocked"]
    assert (failure["node_id"], failure["exception_type"]) == (node, kind)
    assert message in failure["exception_message"]
    assert failure["node_type"] == case.prompt[node]["class_type"]
    assert told.entry["status"] == {
        "status_str": "error",
        "completed": False,
        "messages": told.entry["status"]["messages"],
    }
    assert told.status == "error"


def check_repetition(case: Case, again: Told) -> None:
    assert set(again.executing()) == case.again
    assert again.outputs == case.outputs
    assert set(case.prompt) - set(again.of("execution_cached")[0]["nodes"]) >= case.again


ENDLESS: list[tuple[str, dict[str, Any], str]] = [
    ("at the next progress of a node", {"1": n("Steps", steps=50000), "2": n("Show", value=["1", 0])}, "1"),
    ("while async nodes wait", {"1": n("Wait", value=1, seconds=60.0), "2": n("Show", value=["1", 0])}, "1"),
    ("in a loop", {"1": n("Countdown", times=500, value=0), "2": n("Show", value=["1", 0])}, "1"),
]


@pytest.mark.parametrize(("prompt", "node"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
def test_cancelling_through_every_door(session: Session, doors: list[Door], prompt: Any, node: str) -> None:
    for door in doors:
        session.engine.free()

        def at_work(message: Message) -> bool:
            return message[0] == "executing" and str(message[1]["node"]).startswith("1")

        told = door.run(prompt, cancel_at=at_work)
        if prompt["1"]["class_type"] == "Countdown" and told.status == "success":
            continue  # it was done before the cancellation came
        assert told.status == "interrupted", door.name
        (data,) = told.of("execution_interrupted")
        assert (data["node_id"], data["node_type"]) == (node, prompt[node]["class_type"])
        assert told.entry["status"]["status_str"] == "error"
        check_order_of_messages(told)
        after = door.run({"1": n("Number", value=1), "2": n("Show", value=["1", 0])})
        assert after.outputs == {"2": text(1)}


def test_async_nodes_run_at_the_same_time(session: Session, doors: list[Door]) -> None:
    waits = {str(i): n("Wait", value=i, seconds=0.3) for i in range(1, 21)}
    prompt = {**waits, "30": dotted_sum(waits), "31": n("Show", value=["30", 0])}
    for door in doors:
        session.engine.free()
        told = door.run(prompt)
        start, end = (told.entry["status"]["messages"][at][1]["timestamp"] for at in (0, -1))
        assert told.outputs == {"31": text(sum(range(1, 11)))}
        assert end - start < 20 * 300 / 2, f"{door.name}: one after the other they take 6 s"


def dotted_sum(waits: dict[str, Any]) -> dict[str, Any]:
    return {"class_type": "V3Sum", "inputs": {f"numbers.n{i}": [node, 0] for i, node in enumerate(list(waits)[:10])}}


def test_the_extension_was_loaded(session: Session) -> None:
    assert pack.Extension.loaded

"""Nodes that fail, in every way, and an engine that goes on."""

from __future__ import annotations

from typing import Any

import pytest

from . import sample_nodes
from .conftest import Door, node

FAILURES = [
    ("ValueError", "ValueError", "no good"),
    ("SystemExit", "SystemExit", "tried to end the program (exit code 3)"),
    ("KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
    ("GeneratorExit", "GeneratorExit", "GeneratorExit"),
    ("RecursionError", "RecursionError", "deep"),
    ("none", "TypeError", "Fail.go returned None"),
    ("text", "TypeError", "returned str"),
]


@pytest.mark.parametrize(("kind", "type", "message"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_failing_node_ends_the_prompt_with_its_error(door: Door, kind: str, type: str, message: str) -> None:
    prompt = {
        "a": node("Number", value=1),
        "f": node("Fail", value=["a", 0], kind=kind),
        "s": node("Show", value=["f", 0]),
    }
    entry = door.run(prompt)
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    (name, data) = entry["status"]["messages"][-1]
    assert name == "execution_error"
    assert (data["node_id"], data["node_type"], data["exception_type"]) == ("f", "Fail", type)
    assert message in data["exception_message"]
    assert data["exception_message"].endswith("\n")
    assert data["executed"] == ["a"]
    assert data["current_inputs"] == {"value": [1], "kind": [kind]}
    assert isinstance(data["current_outputs"], list)
    assert data["traceback"]
    assert all("/comfy_notebook/engine/" not in line.splitlines()[0] for line in data["traceback"][:1]) or kind in (
        "none",
        "text",
    )
    assert door.of("execution_error") == [data]
    assert door.types()[-1] == "executing"
    assert door.value({"a": node("Number", value=5), "s": node("Show", value=["a", 0])}, "a") == [5], "it goes on"


@pytest.mark.parametrize(
    ("name", "prompt", "blamed", "message"),
    [
        ("an undeclared link to nowhere", {"x": node("Sum", v=["gone", 0])}, "x", "not in the prompt"),
        (
            "a lazy input that is none",
            {
                "n": node("Number", value=1),
                "x": node("LazyWrong", which=True, on_true=["n", 0], on_false=["n", 0]),
                "s": node("Show", value=["x", 0]),
            },
            "x",
            "nothing of the kind",
        ),
        (
            "an unknown node in an expansion",
            {"x": node("ExpandWith", make="Missing", value=1), "s": node("Show", value=["x", 0])},
            "x",
            "not installed",
        ),
        (
            "a failure inside an expansion",
            {"x": node("ExpandWith", make="Fail", value=1, kind="ValueError"), "s": node("Show", value=["x", 0])},
            "x",
            "no good",
        ),
        (
            "an async failure",
            {"x": node("AsyncFail", value=1, exit=False), "s": node("Show", value=["x", 0])},
            "x",
            "async no good",
        ),
        (
            "an async exit",
            {"x": node("AsyncFail", value=1, exit=True), "s": node("Show", value=["x", 0])},
            "x",
            "tried to end the program",
        ),
        (
            "an empty list beside a filled one",
            {
                "n": node("Range", count=0),
                "x": node("Add", a=["n", 0], b=1),
                "s": node("Show", value=["x", 0]),
            },
            "x",
            "index out of range",
        ),
    ],
)
def test_failures_of_a_graph(door: Door, name: str, prompt: dict[str, Any], blamed: str | None, message: str) -> None:
    entry = door.run(prompt)
    (kind, data) = entry["status"]["messages"][-1]
    assert kind == "execution_error", name
    assert message in data["exception_message"]
    assert blamed is None or data["node_id"] == blamed
    assert door.value({"a": node("Number", value=5), "s": node("Show", value=["a", 0])}, "a") == [5], "it goes on"


def test_one_failing_item_fails_an_async_node_at_once(door: Door) -> None:
    prompt = {
        "n": node("Range", count=3),
        "x": node("AsyncFail", value=["n", 0], exit=False),
        "slow": node("AsyncForever", value=1),
        "s": node("Show", value=["x", 0]),
        "s2": node("Show", value=["slow", 0]),
    }
    entry = door.run(prompt)
    assert entry["status"]["messages"][-1][1]["node_id"] == "x"


def test_a_failing_listener_changes_nothing(door: Door) -> None:
    def broken(event: Any) -> None:
        raise RuntimeError("listener")

    door.engine.bus.subscribe(broken)
    assert door.value({"a": node("Number", value=5), "s": node("Show", value=["a", 0])}, "a") == [5]


@pytest.mark.parametrize("error", [RuntimeError("no idea"), SystemExit(1)])
def test_a_failing_is_changed_means_run_again(door: Door, error: BaseException) -> None:
    sample_nodes.Changed.answer = error
    prompt = {"x": node("Changed", value=1), "s": node("Show", value=["x", 0])}
    for _ in range(2):
        door.run(prompt)
        assert door.calls("Changed") == [1]

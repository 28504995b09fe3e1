"""What happens to a prompt between submission and validation: handlers that change it, nodes that are replaced."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_notebook.engine import PromptRejected

from . import sample_nodes
from .conftest import Door, node


def replacement(new: Any = "Combine", **mappings: Any) -> dict[str, Any]:
    return {"new_node_id": new, "old_node_id": "Gone", **mappings}


IDENTITY: dict[str, Any] = {}
RENAMED: dict[str, Any] = {"input_mapping": [{"new_id": "a", "old_id": "x"}, {"new_id": "b", "set_value": 4}]}
SWAPPED: dict[str, Any] = {**RENAMED, "output_mapping": [{"new_idx": 1, "old_idx": 0}]}
# Combine gives (2a + 3b + c, a - b + 7c), with c = 5
REPLACED = [
    ([replacement(**IDENTITY)], {"a": 1, "b": 2}, 0, 2 + 6 + 5),
    ([replacement(**RENAMED)], {"x": 10}, 0, 20 + 12 + 5),
    ([replacement(**SWAPPED)], {"x": 10}, 0, 10 - 4 + 35),
    ([replacement(**RENAMED)], {"x": ["seven", 0]}, 0, 14 + 12 + 5),
    ([replacement("Missing too"), replacement(**RENAMED)], {"x": 10}, 0, 37),
]


@pytest.mark.parametrize(("replacements", "inputs", "slot", "expected"), REPLACED)
def test_nodes_that_are_gone_are_replaced(
    door: Door, replacements: Any, inputs: dict[str, Any], slot: int, expected: int
) -> None:
    for one in replacements:
        door.engine.registry.replacements.register(one)
    prompt = {
        "seven": node("Number", value=7),
        "g": {"class_type": "Gone", "inputs": inputs},
        "s": node("Show", value=["g", slot]),
    }
    entry = door.run(prompt)
    assert entry["outputs"]["s"] == {"text": [str(expected)]}
    assert prompt["g"]["class_type"] == "Gone", "the prompt itself is not touched"
    assert entry["prompt"][2]["g"]["class_type"] == "Combine"


def test_a_known_node_is_not_replaced(door: Door) -> None:
    door.engine.registry.replacements.register({"new_node_id": "Text", "old_node_id": "Number"})
    assert door.value({"n": node("Number", value=1), "s": node("Show", value=["n", 0])}, "n") == [1]


def test_without_a_known_replacement_the_node_is_missing(door: Door) -> None:
    door.engine.registry.replacements.register(replacement("Missing too"))
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"g": node("Gone")})
    assert refused.value.error["type"] == "missing_node_type"


@pytest.mark.parametrize("bad", [{}, {"old_node_id": "a"}, {"old_node_id": "a", "new_node_id": 3}])
def test_a_replacement_names_both_nodes(door: Door, bad: Any) -> None:
    with pytest.raises(ValueError, match="names an old_node_id"):
        door.engine.registry.replacements.register(bad)


def test_handlers_change_what_is_submitted(door: Door) -> None:
    seen: list[dict[str, Any]] = []

    def first(asked: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(asked))
        asked["prompt"]["n"]["inputs"]["value"] = 5
        asked["extra_data"]["note"] = "from a pack"
        return asked

    def fails(asked: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("broken")

    def returns_nothing(asked: dict[str, Any]) -> None:
        return None

    def last(asked: dict[str, Any]) -> dict[str, Any]:
        return {**asked, "partial_execution_targets": ["s"]}

    for handler in (first, fails, returns_nothing, last):
        door.engine.on_prompt.add(handler)
    prompt = {"n": node("Number", value=1), "s": node("Show", value=["n", 0]), "t": node("Show", value=["n", 0])}
    entry = door.run(prompt, extra_data={"a": 1}, prompt_id="mine")
    assert entry["outputs"] == {"s": {"text": ["5"]}}
    assert entry["prompt"][3]["note"] == "from a pack"
    assert prompt["n"]["inputs"] == {"value": 1}, "the prompt itself is not touched"
    assert {key: value for key, value in seen[0].items() if key != "prompt"} == {
        "client_id": "client",
        "extra_data": {"a": 1, "note": "from a pack"},
        "prompt_id": "mine",
    }
    door.engine.on_prompt.remove(first)
    assert door.run({"n": node("Number", value=2), "s": node("Show", value=["n", 0])})["outputs"]["s"] == {
        "text": ["2"]
    }


@pytest.mark.parametrize("changed", [{"prompt": 3}, {"prompt": None}, {"prompt": []}])
def test_a_handler_that_breaks_the_prompt_gets_it_refused(door: Door, changed: Any) -> None:
    door.engine.on_prompt.add(lambda asked: changed)
    door.engine.registry.replacements.register(replacement())
    with pytest.raises(PromptRejected):
        door.engine.submit({"n": node("Number", value=1)})


@pytest.mark.parametrize(("error", "told"), [(FileNotFoundError("gone.png"), False), (OSError("no disk"), True)])
def test_a_missing_file_is_told_by_the_node_alone(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, told: bool
) -> None:
    def is_changed(cls: type, **inputs: Any) -> Any:
        raise error

    monkeypatch.setattr(sample_nodes.Changed, "IS_CHANGED", classmethod(is_changed))
    prompt = {"x": node("Changed", value=1), "s": node("Show", value=["x", 0])}
    for look in (door.run, door.engine.signatures):
        caplog.clear()
        look(prompt)
        assert ("IS_CHANGED of node x (Changed) failed" in caplog.text) is told
        assert ("Traceback" in caplog.text) is told

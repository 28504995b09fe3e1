"""API → UI: the document converts back to the same prompt, and its layout is tidy."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import recorded_workflows as recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_notebook.workflow import WorkflowError, from_api, read_document, to_api

RECORDED = [path for path in recorded.pairs() if recorded.name(path) != "var-dynamic-prompt"]  # {x} is expanded anew


def back(document: dict[str, Any], info: Any) -> dict[str, Any]:
    return to_api(document, info, choose=lambda _count: 0).prompt


@pytest.mark.parametrize("path", RECORDED[::4], ids=[recorded.name(path) for path in RECORDED[::4]])
@pytest.mark.parametrize("known", [True, False], ids=["known types", "unknown types"])
def test_recorded_prompts_come_back(path: Path, known: bool) -> None:
    prompt = recorded.prompt_of(path)
    info = recorded.info if known else lambda _kind: None
    document = from_api(prompt, info)
    assert back(document, info) == prompt
    assert read_document(json.dumps(document)).warnings == []
    assert overlaps(document) == []


@pytest.mark.parametrize("path", RECORDED[1::9], ids=[recorded.name(path) for path in RECORDED[1::9]])
def test_links_run_forward(path: Path) -> None:
    document = from_api(recorded.prompt_of(path), recorded.info)
    nodes = {node["id"]: node for node in document["nodes"]}
    for _number, source, _slot, target, _target_slot, _kind in document["links"]:
        assert nodes[source]["pos"][0] + nodes[source]["size"][0] < nodes[target]["pos"][0]


def overlaps(document: dict[str, Any]) -> list[tuple[Any, Any]]:
    boxes = [(node["id"], *node["pos"], *node["size"]) for node in document["nodes"]]
    found = []
    for i, (a, ax, ay, aw, ah) in enumerate(boxes):
        for b, bx, by, bw, bh in boxes[i + 1 :]:
            # a title of 30 stands above each node's position
            if ax < bx + bw and bx < ax + aw and ay - 30 < by + bh and by - 30 < ay + ah:
                found.append((a, b))
    return found


DEFINITIONS: dict[str, Any] = {
    "Source": {"input": {"required": {"n": ["INT", {}], "seed": ["INT", {}]}}, "output": ["A", "B"]},
    "Join": {
        "input": {
            "required": {"a": ["A", {}], "s": ["STRING", {}]},
            "optional": {"b": ["B", {}], "c": [["x", "y"], {}]},
        },
        "output": ["A", "B"],
        "display_name": "Join both",
    },
}


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, Any]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
    )
    values = scalars | st.dictionaries(st.text(max_size=2), scalars, max_size=2)
    values = values | st.lists(scalars, max_size=3).map(lambda items: {"__value__": items})
    keys = draw(
        st.lists(st.integers(1, 30).map(str) | st.sampled_from(["7:1", "7:2:3", "x", "007"]), unique=True, max_size=8)
    )
    prompt: dict[str, Any] = {}
    for key in keys:
        kind = draw(st.sampled_from(["Source", "Join", "Unknown"]))
        earlier = st.sampled_from(sorted(prompt)) if prompt else None
        inputs: dict[str, Any] = {}
        names = {"Source": ["n", "seed"], "Join": ["s", "c", "a", "b"], "Unknown": ["p", "q", "r"]}[kind]
        for name in names:
            if earlier is not None and draw(st.booleans()):
                inputs[name] = [draw(earlier), draw(st.integers(0, 2))]
            elif name not in ("a", "b"):
                inputs[name] = draw(values)
        title = draw(st.text(max_size=5))
        prompt[key] = {"inputs": inputs, "class_type": kind, "_meta": {"title": title}}
    return prompt


@settings(max_examples=100, deadline=None)
@given(prompts())
def test_any_prompt_comes_back(prompt: dict[str, Any]) -> None:
    document = from_api(prompt, DEFINITIONS.get)
    first = back(document, DEFINITIONS.get)
    assert first == prompt
    assert back(from_api(first, DEFINITIONS.get), DEFINITIONS.get) == prompt
    assert back(from_api(prompt, lambda _kind: None), lambda _kind: None).keys() == prompt.keys()
    assert overlaps(document) == []


def test_ids_titles_and_slots() -> None:
    prompt = {
        "3": {"class_type": "Source", "inputs": {"n": 1, "seed": 2}, "_meta": {"title": "Mine"}},
        "5": {"class_type": "Join", "inputs": {"a": ["3", 0], "s": ["3", 1], "c": "y", "new": 4}},
    }
    document = from_api(prompt, DEFINITIONS.get)
    source, join = document["nodes"]
    assert (source["id"], source["title"], source["widgets_values"]) == (3, "Mine", [1, 2, "fixed"])
    assert "title" not in join
    assert [slot["name"] for slot in join["inputs"]] == ["a", "b", "s"]
    assert join["inputs"][2]["widget"] == {"name": "s"}
    assert document["links"] == [[1, 3, 0, 5, 0, "A"], [2, 3, 1, 5, 2, "B"]]
    assert source["outputs"][1]["links"] == [2]
    assert document["last_node_id"] == 5
    assert back(document, DEFINITIONS.get)["5"]["inputs"]["new"] == 4, "constants the definition lacks are kept"


def test_dynamic_combos_and_combos_without_choices() -> None:
    options = [{"key": "size", "inputs": {"required": {"width": ["INT", {}]}}}, {"key": "other", "inputs": {}}]
    inputs = {"mode": ["COMFY_DYNAMICCOMBO_V3", {"options": options}], "file": [[], {"image_upload": True}]}
    info = {"Dynamic": {"input": {"required": inputs}, "output": []}}.get
    for inputs_given in (
        {"mode": "size", "mode.width": 5},
        {"mode": "other", "file": "a"},
        {"mode": "other", "file": None},
    ):
        prompt = {"1": {"inputs": inputs_given, "class_type": "Dynamic", "_meta": {"title": "t"}}}
        document = from_api(prompt, info)
        assert "properties" not in document["nodes"][0] or len(document["nodes"][0]["properties"]) == 1
        assert back(document, info) == prompt


def test_links_to_missing_nodes_and_circles() -> None:
    prompt = {
        "1": {"class_type": "Join", "inputs": {"a": ["2", 0]}},
        "2": {"class_type": "Join", "inputs": {"a": ["1", 0], "b": ["9", 0]}},
    }
    document = from_api(prompt, DEFINITIONS.get)
    assert overlaps(document) == []
    assert "node 9" in read_document(document).warnings[0]
    assert back(document, DEFINITIONS.get)["2"]["inputs"]["a"] == ["1", 0]


def test_thousands_of_circles_are_laid_out_in_linear_time() -> None:
    prompt = {}
    for i in range(0, 8_000, 2):
        prompt[str(i)] = {"class_type": "Join", "inputs": {"a": [str(i + 1), 0]}}
        prompt[str(i + 1)] = {"class_type": "Join", "inputs": {"a": [str(i), 0]}}
    start = time.process_time()
    from_api(prompt, DEFINITIONS.get)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "prompt", [{"1": {}}, {"1": {"class_type": 5}}, {"1": {"class_type": "A", "inputs": []}}, [], None]
)
def test_no_prompt(prompt: Any) -> None:
    with pytest.raises(WorkflowError):
        from_api(prompt, DEFINITIONS.get)

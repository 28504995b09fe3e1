"""Links out of nodes that only a pack's JavaScript knows, by what an editor wrote down: prompts written by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from comfy_notebook.workflow import to_api

INFO: dict[str, Any] = {
    "Make": {"input": {"required": {}}, "output": ["IMAGE"]},
    "Show": {"input": {"required": {"image": ["IMAGE", {}]}}, "output": []},
}
IMAGE = {"name": "image", "type": "IMAGE"}


def node(id_: int, type_: str, into: int | None = None, **more: Any) -> dict[str, Any]:
    slots = [] if into is None else [{**IMAGE, "link": into}]
    return {"id": id_, "type": type_, "inputs": slots, "properties": {}, "mode": 0, **more}


def set_and_get() -> dict[str, Any]:
    """1 Make → 2 Set; 3 Get → 4 Show, beside 5 Make."""
    return {
        "nodes": [node(1, "Make"), node(2, "Set", 1), node(3, "Get"), node(4, "Show", 2), node(5, "Make")],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 3, 0, 4, 0, "IMAGE"]],
        "extra": {
            "comfy_notebook": {"led": {"2": {"node": 3, "to": [1, 0], "last": 1}}, "virtual": ["Get", "Set"]},
        },
        "version": 0.4,
    }


def test_a_link_out_of_a_virtual_node_is_led_to_its_origin() -> None:
    conversion = to_api(set_and_get(), INFO.get)
    assert sorted(conversion.prompt) == ["1", "4", "5"]
    assert conversion.prompt["4"]["inputs"] == {"image": ["1", 0]}
    assert conversion.missing == {}
    assert conversion.warnings == []


def test_what_comes_from_nowhere_is_left_out() -> None:
    document = set_and_get()
    document["extra"]["comfy_notebook"]["led"]["2"] = {"node": 3, "to": None}
    conversion = to_api(document, INFO.get)
    assert conversion.prompt["4"]["inputs"] == {}
    assert conversion.missing == {}


def test_the_way_goes_on_behind_the_virtual_nodes() -> None:
    document = set_and_get()
    document["nodes"].append(node(6, "Reroute", 7))
    document["links"][0] = [1, 6, 0, 2, 0, "IMAGE"]
    document["links"].append([7, 5, 0, 6, 0, "IMAGE"])
    document["extra"]["comfy_notebook"]["led"]["2"]["to"] = [6, 0]
    assert to_api(document, INFO.get).prompt["4"]["inputs"] == {"image": ["5", 0]}


def change(document: dict[str, Any], how: str) -> None:
    hints = document["extra"]["comfy_notebook"]
    match how:
        case "target gone":
            document["nodes"] = [item for item in document["nodes"] if item["id"] != 1]
        case "link starts elsewhere":
            document["nodes"].append(node(6, "Get"))
            document["links"][1][1] = 6
        case "its way in was moved":
            document["links"][0][1] = 5
        case "no hint for the link":
            hints["led"] = {}
        case "malformed":
            hints["led"]["2"] = {"node": 3, "to": "1"}
        case "nothing written":
            document["extra"] = {}


@pytest.mark.parametrize(
    "how",
    [
        "target gone", "link starts elsewhere", "its way in was moved", "no hint for the link", "malformed",
        "nothing written",
    ],
)  # fmt: skip
def test_what_no_longer_fits_is_ignored_and_the_type_is_missing(how: str) -> None:
    document = set_and_get()
    change(document, how)
    before = copy.deepcopy(document)
    conversion = to_api(document, INFO.get)
    assert "Get" in conversion.missing
    assert conversion.prompt["4"]["inputs"].get("image", ["x"])[0] not in ("1", "5")
    assert any("show the workflow once" in warning for warning in conversion.warnings)
    assert document == before


def test_a_type_that_is_defined_takes_no_hint() -> None:
    info = INFO | {"Get": {"input": {"required": {}}, "output": ["IMAGE"]}}
    conversion = to_api(set_and_get(), info.get)
    assert conversion.prompt["4"]["inputs"] == {"image": ["3", 0]}
    assert sorted(conversion.prompt) == ["1", "3", "4", "5"]


MALFORMED: list[Any] = [
    None,
    [],
    {"comfy_notebook": 3},
    {"comfy_notebook": {"led": [], "virtual": 1}},
    {"comfy_notebook": {"led": {"2": None}, "virtual": [{}], "subgraphs": 2}},
]


@pytest.mark.parametrize("extra", MALFORMED)
def test_malformed_hints_are_left_out(extra: Any) -> None:
    assert "Get" in to_api(set_and_get() | {"extra": extra}, INFO.get).missing


def test_each_subgraph_has_hints_of_its_own() -> None:
    inner = {
        "id": "inner", "name": "Inner", "version": 1,
        "inputs": [{"id": "i", "name": "image", "type": "IMAGE", "linkIds": [1]}],
        "outputs": [{"id": "o", "name": "image", "type": "IMAGE", "linkIds": [2]}],
        "nodes": [node(2, "Set", 1), node(3, "Get"), node(4, "Show", 3)],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "IMAGE"},
            {"id": 2, "origin_id": 3, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"},
            {"id": 3, "origin_id": 3, "origin_slot": 0, "target_id": 4, "target_slot": 0, "type": "IMAGE"},
        ],
    }  # fmt: skip
    lead = {"node": 3, "to": [-10, 0], "last": 1}
    hints = {"led": {"2": lead, "3": lead}, "virtual": ["Get", "Set"]}
    document = {
        "nodes": [node(1, "Make"), node(2, "inner", 5), node(3, "Show", 6)],
        "links": [[5, 1, 0, 2, 0, "IMAGE"], [6, 2, 0, 3, 0, "IMAGE"]],
        "definitions": {"subgraphs": [inner]},
        "extra": {"comfy_notebook": {"subgraphs": {"inner": hints}}},
        "version": 0.4,
    }  # fmt: skip
    conversion = to_api(document, INFO.get)
    assert conversion.missing == {}
    assert {key: item["inputs"] for key, item in conversion.prompt.items()} == {
        "1": {}, "2:4": {"image": ["1", 0]}, "3": {"image": ["1", 0]},
    }  # fmt: skip

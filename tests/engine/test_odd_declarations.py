"""Answers of ``INPUT_TYPES`` as packs give them: containers that list no names or look at who asks, hidden oddities."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from comfy_notebook.engine import PromptRejected

from . import sample_nodes
from .conftest import Door, node
from .test_events import register


class Everything:
    """No dict: has any name, lists none."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return ("INT", None)


def asked_by_a_run(frames_up: int) -> bool:
    return inspect.stack()[frames_up + 1].function == "get_input_info"


@pytest.mark.parametrize("frames_up", [1, 2])
def test_nodes_that_look_at_who_asks(door: Door, frames_up: int) -> None:
    class Grows(sample_nodes.Node):
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> Any:
            declared: dict[str, Any] = {"required": {"first": ("INT", {"min": 0})}}
            return {**declared, "optional": Everything()} if asked_by_a_run(frames_up) else declared

        def go(self, **given: Any) -> Any:
            return {"ui": {"given": sorted(given.items())}}

    register(door, Grows)
    entry = door.run({"g": node("Grows", first="1", second=2, third=3)})
    assert entry["outputs"]["g"] == {"given": [("first", 1), ("second", 2), ("third", 3)]}
    with pytest.raises(PromptRejected):
        door.engine.submit({"g": node("Grows", first=-1)})
    with pytest.raises(PromptRejected):
        door.engine.submit({"g": node("Grows", second=2)})


@pytest.mark.parametrize("category", ["required", "optional"])
def test_containers_that_list_no_names(door: Door, category: str) -> None:
    class Takes(sample_nodes.Node):
        INPUT_TYPES = classmethod(lambda cls: {"required": {}, category: Everything()})
        OUTPUT_NODE = True

        def go(self, **given: Any) -> Any:
            return {"ui": {"given": sorted(given)}}

    register(door, Takes)
    entry = door.run({"n": node("Number", value=1), "t": node("Takes", a=5, b=["n", 0])})
    assert entry["outputs"]["t"] == {"given": ["a", "b"]}


HIDDEN = [
    ({"seen": "INT"}, {"seen": 4}, {"seen": 4}),
    ({"seen": ("FLOAT", {})}, {"seen": 0.5}, {"seen": 0.5}),
    ({"seen": "INT"}, {}, {}),
    ({"me": ("UNIQUE_ID",)}, {}, {"me": "h"}),
    ({"info": "EXTRA_PNGINFO"}, {}, {"info": None}),
    ({"token": "AUTH_TOKEN_COMFY_ORG"}, {}, {"token": None}),
    ({"any": sample_nodes.LooseType("*")}, {}, {}),
    ({"any": (sample_nodes.LooseType("*"), {})}, {"any": 5}, {"any": 5}),
    ({"odd": None, "number": 5, "nothing": ()}, {}, {}),
]


@pytest.mark.parametrize(("hidden", "inputs", "expected"), HIDDEN)
def test_hidden_entries(door: Door, hidden: Any, inputs: Any, expected: Any) -> None:
    class Hides(sample_nodes.Node):
        INPUT_TYPES = classmethod(lambda cls: {"required": {}, "hidden": hidden})
        OUTPUT_NODE = True

        def go(self, **given: Any) -> Any:
            sample_nodes.CALLS.append(("Hides", given))
            return ()

    register(door, Hides)
    assert door.run({"h": node("Hides", **inputs)})["status"]["completed"]
    assert door.calls("Hides") == [expected]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (staticmethod(lambda value: (value + 1,)), 5),
        (classmethod(lambda cls, value: (value + 2,)), 6),
        (lambda self, *, value: (value + 3,), 7),
        (lambda self, **given: (given["value"] + 4,), 8),
        (lambda self, value: [value + 5], 9),
    ],
)
def test_kinds_of_functions(door: Door, function: Any, expected: int) -> None:
    cls = type(
        "Odd", (sample_nodes.Node,), {"INPUT_TYPES": sample_nodes.inputs({"value": ("INT", {})}), "go": function}
    )
    register(door, cls)
    assert door.value({"o": node("Odd", value=4), "s": node("Show", value=["o", 0])}, "o") == [expected]

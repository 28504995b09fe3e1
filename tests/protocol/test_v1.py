"""V1 classes as definitions and as object_info; types; the registry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_notebook.protocol.expansion import GraphBuilder, add_graph_prefix
from comfy_notebook.protocol.object_info import all_object_info, jsonable, object_info
from comfy_notebook.protocol.registry import Registry, RegistryChange
from comfy_notebook.protocol.types import types_match
from comfy_notebook.protocol.v1 import NodeDefinitionError, definition_from_class


class Full:
    """Every attribute of the protocol."""

    FUNCTION = "go"
    RETURN_TYPES = ("IMAGE", ["a", "b"], "MASK")
    RETURN_NAMES = ("picture", "choice")
    OUTPUT_IS_LIST = (False, True)
    OUTPUT_TOOLTIPS = ("the picture",)
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    CATEGORY = "test/full"
    DESCRIPTION = "does all"
    DEPRECATED = True
    EXPERIMENTAL = True
    API_NODE = True
    DEV_ONLY = True
    NOT_IDEMPOTENT = True
    HAS_INTERMEDIATE_OUTPUT = True
    ESSENTIALS_CATEGORY = "Basics"
    SEARCH_ALIASES = ["everything", "all"]

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {
            "required": {"image": ("IMAGE",), "size": ("INT", {"default": 1, "max": float("inf")})},
            "optional": {"which": (["a", "b"], {"default": "a"})},
            "hidden": {"id": "UNIQUE_ID"},
        }

    def go(self, **_: Any) -> Any: ...


class Bare:
    FUNCTION = "go"
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {}}

    def go(self) -> Any: ...


def test_a_class_with_everything() -> None:
    assert object_info(definition_from_class("Full", Full, "Full Node", "custom_nodes.x")) == {
        "input": {
            "required": {"image": ["IMAGE"], "size": ["INT", {"default": 1, "max": 1.7976931348623157e308}]},
            "optional": {"which": [["a", "b"], {"default": "a"}]},
            "hidden": {"id": "UNIQUE_ID"},
        },
        "input_order": {"required": ["image", "size"], "optional": ["which"], "hidden": ["id"]},
        "is_input_list": True,
        "output": ["IMAGE", ["a", "b"], "MASK"],
        "output_is_list": [False, True, False],
        "output_name": ["picture", "choice", "MASK"],
        "output_tooltips": ["the picture", "", ""],
        "name": "Full",
        "display_name": "Full Node",
        "description": "does all",
        "python_module": "custom_nodes.x",
        "category": "test/full",
        "output_node": True,
        "has_intermediate_output": True,
        "search_aliases": ["everything", "all"],
        "essentials_category": "Basics",
        "deprecated": True,
        "experimental": True,
        "api_node": True,
        "dev_only": True,
    }


def test_a_class_with_the_least() -> None:
    info = object_info(definition_from_class("Bare", Bare))
    assert info["category"] == "sd"
    assert info["display_name"] == "Bare"
    assert (info["output"], info["output_node"], info["description"]) == ([], False, "")
    assert not {"deprecated", "experimental", "api_node", "output_tooltips", "dev_only"} & set(info)


@pytest.mark.parametrize("missing", ["INPUT_TYPES", "RETURN_TYPES", "FUNCTION", "go"])
def test_what_a_class_must_have(missing: str) -> None:
    members = {name: value for name, value in vars(Bare).items() if name != missing and not name.startswith("__")}
    with pytest.raises(NodeDefinitionError, match=missing):
        definition_from_class("Broken", type("Broken", (), members))


def test_input_types_are_asked_for_afresh() -> None:
    names: list[str] = []

    class Growing(Bare):
        @classmethod
        def INPUT_TYPES(cls) -> Any:
            names.append(f"n{len(names)}")
            return {"required": dict.fromkeys(names, ("INT",))}

    definition = definition_from_class("Growing", Growing)
    assert len(object_info(definition)["input"]["required"]) < len(object_info(definition)["input"]["required"])


def test_one_class_that_raises_is_left_out() -> None:
    class Raising(Bare):
        @classmethod
        def INPUT_TYPES(cls) -> Any:
            raise OSError("no such folder")

    registry = Registry()
    for name, cls in (("Full", Full), ("Raising", Raising), ("Bare", Bare)):
        registry.register(definition_from_class(name, cls))
    assert list(all_object_info(registry)) == ["Full", "Bare"]


class Loose(str):
    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


MATCHES = [
    ("IMAGE", "IMAGE", True),
    ("IMAGE", "MASK", False),
    ("*", "MASK", True),
    ("IMAGE", "*", True),
    ("IMAGE,MASK", "MASK, LATENT", True),
    ("IMAGE", "INT,FLOAT", False),
    (Loose("X"), "MASK", True),
    ("MASK", Loose("X"), True),
    (["a"], "COMBO", True),
    (["a"], ["b"], True),
    ("STRING", ["a"], False),
]


@pytest.mark.parametrize(("received", "expected", "match"), MATCHES, ids=str)
def test_types(received: Any, expected: Any, match: bool) -> None:
    assert types_match(received, expected) is match


def test_json_of_what_json_cannot_say() -> None:
    odd = {"t": (1, 2), "nan": float("nan"), "inf": float("-inf"), "s": {3}, 5: object, "x": Loose("L")}
    assert json.loads(json.dumps(jsonable(odd), allow_nan=False))["t"] == [1, 2]


def test_the_registry_tells_of_changes() -> None:
    registry, seen = Registry(), list[RegistryChange]()
    stop = registry.subscribe(seen.append)
    first, second = definition_from_class("Bare", Bare), definition_from_class("Bare", Bare)
    registry.register(first)
    registry.register(second)
    registry.remove("Bare")
    stop()
    registry.register(first)
    assert seen == [
        RegistryChange("Bare", first, None),
        RegistryChange("Bare", second, first),
        RegistryChange("Bare", None, second),
    ]
    with pytest.raises(KeyError):
        registry.remove("Nothing")


def test_graphs_are_built_under_a_prefix() -> None:
    graph = GraphBuilder("p.")
    a = graph.node("A", id="a", x=1)
    b = graph.node("B", y=a.out(0), z=2)
    assert graph.node("Other", id="a") is a
    assert graph.lookup_node("a") is a
    b.set_input("z", None)
    b.set_override_display_id("shown")
    assert graph.finalize() == {
        "p.a": {"class_type": "A", "inputs": {"x": 1}},
        "p.1": {"class_type": "B", "inputs": {"y": ["p.a", 0]}, "override_display_id": "shown"},
    }
    graph.replace_node_output("a", 0, 7)
    assert b.get_input("y") == 7
    moved, outputs = add_graph_prefix(
        {"1": {"class_type": "A", "inputs": {"x": ["2", 1], "y": 3}}}, (["1", 0], 4), "q."
    )
    assert moved == {"q.1": {"class_type": "A", "inputs": {"x": ["q.2", 1], "y": 3}}}
    assert outputs == (["q.1", 0], 4)

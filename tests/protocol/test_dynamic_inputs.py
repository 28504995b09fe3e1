"""Groups of inputs: what a declaration means for a given prompt, and how values reach the function."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_notebook.protocol.dynamic_inputs import flattened, is_dynamic, nested

INT = ("INT", {"default": 0})
IMAGE = ("IMAGE", {})


def grow(required: bool = True, **template: Any) -> Any:
    inputs = {"input": {"required" if required else "optional": {"image": ("IMAGE", {"forceInput": True})}}}
    return ("COMFY_AUTOGROW_V3", {"template": {**inputs, **template}})


def choice(**options: Any) -> Any:
    listed = [{"key": key, "inputs": {"required": inputs}} for key, inputs in options.items()]
    return ("COMFY_DYNAMICCOMBO_V3", {"options": listed})


SLOT = ("COMFY_DYNAMICSLOT_V3", {"slotType": "IMAGE", "inputs": {"required": {"amount": INT}}, "forceInput": True})
LINK = ["1", 0]

FLAT = [
    ("plain inputs stay", {"a": INT}, {"a": 1}, {"a"}, set()),
    ("the first of a growing group are required", {"g": grow(prefix="x", min=2, max=4)}, {}, {"g.x0", "g.x1"}, set()),
    ("further ones as they come", {"g": grow(prefix="x", min=1, max=4)}, {"g.x2": LINK}, {"g.x0"}, {"g.x2"}),
    ("not beyond the last", {"g": grow(prefix="x", min=0, max=2)}, {"g.x2": LINK}, set(), set()),
    ("none when the template is optional", {"g": grow(False, prefix="x", min=2, max=4)}, {}, set(), set()),
    ("names", {"g": grow(names=["a", "b", "c"], min=1)}, {"g.c": LINK}, {"g.a"}, {"g.c"}),
    ("a choice brings its inputs", {"c": choice(one={"n": INT}, two={})}, {"c": "one"}, {"c", "c.n"}, set()),
    ("and no others", {"c": choice(one={"n": INT}, two={"m": INT})}, {"c": "two", "c.n": 1}, {"c", "c.m"}, set()),
    ("an unknown key brings none", {"c": choice(one={"n": INT})}, {"c": "three"}, {"c"}, set()),
    ("a choice that is linked takes any", {"c": choice(one={"n": INT})}, {"c": LINK}, {"c"}, {"c.n"}),
    (
        "choices in choices",
        {"c": choice(one={"d": choice(deep={"n": INT})})},
        {"c": "one", "c.d": "deep"},
        {"c", "c.d", "c.d.n"},
        set(),
    ),
    (
        "growing in a choice",
        {"c": choice(one={"g": grow(prefix="x", min=1, max=3)})},
        {"c": "one", "c.g.x1": LINK},
        {"c", "c.g.x0"},
        {"c.g.x1"},
    ),
    ("a slot alone", {"s": SLOT}, {}, {"s"}, set()),
    ("a connected slot unfolds", {"s": SLOT}, {"s": LINK}, {"s", "s.amount"}, set()),
]


@pytest.mark.parametrize(("declared", "live", "required", "optional"), [r[1:] for r in FLAT], ids=[r[0] for r in FLAT])
def test_flattened(declared: Any, live: Any, required: set[str], optional: set[str]) -> None:
    flat = flattened({"required": declared, "hidden": {"id": "UNIQUE_ID"}}, live).declared
    assert set(flat["required"]) == required
    assert {name for name in flat["optional"] if name not in flat["required"]} == optional
    assert flat["hidden"] == {"id": "UNIQUE_ID"}


def test_heads_of_groups_are_checked_like_others() -> None:
    flat = flattened({"required": {"c": choice(one={}, two={}), "s": SLOT}}, {}).declared["required"]
    assert flat["c"] == ("COMBO", {"options": ["one", "two"]})
    assert flat["s"] == ("IMAGE", {"forceInput": True})


NESTED = [
    ({"a": INT}, {"a": 1}, {"a": 1}),
    ({"g": grow(prefix="x", min=1, max=4)}, {"g.x0": 1, "g.x3": 2}, {"g": {"x0": 1, "x3": 2}}),
    ({"g": grow(prefix="x", min=0, max=4)}, {}, {"g": {}}),
    ({"c": choice(one={"n": INT}), "a": INT}, {"c": "one", "c.n": 5, "a": 2}, {"c": {"c": "one", "n": 5}, "a": 2}),
    (
        {"c": choice(one={"d": choice(deep={"n": INT})})},
        {"c": "one", "c.d": "deep", "c.d.n": 7},
        {"c": {"c": "one", "d": {"d": "deep", "n": 7}}},
    ),
    ({"s": SLOT}, {"s": "picture", "s.amount": 3}, {"s": {"s": "picture", "amount": 3}}),
    ({"with.dot": INT}, {"with.dot": 1}, {"with.dot": 1}),
]


@pytest.mark.parametrize(("declared", "values", "expected"), NESTED)
def test_nested(declared: Any, values: Any, expected: Any) -> None:
    assert nested(flattened({"required": declared}, values).groups, values) == expected


def test_mappings_that_answer_for_any_name_still_do() -> None:
    class Lying(dict[str, Any]):
        def __contains__(self, name: object) -> bool:
            return True

        def __missing__(self, name: str) -> Any:
            return INT

    flat = flattened({"required": {"g": grow(prefix="x", min=1, max=2)}, "optional": Lying()}, {}).declared
    assert "whatever" in flat["optional"]
    assert flat["optional"]["whatever"] == INT
    assert "whatever" not in flat["required"]


def test_types_that_refuse_to_be_hashed_or_compared_are_left_alone() -> None:
    class Odd(str):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __ne__(self, other: object) -> bool:
            return False

    assert not is_dynamic((Odd("*"), {}))
    assert not is_dynamic((["a", "b"], {}))
    assert not is_dynamic(())

"""Every reason to refuse a prompt, in the JSON that clients read."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from comfy_notebook.engine import PromptRejected
from comfy_notebook.protocol.function import definition_from_function

from .conftest import Door, node


def refused(door: Door, prompt: Any, **options: Any) -> PromptRejected:
    with pytest.raises(PromptRejected) as caught:
        door.engine.submit(prompt, **options)
    return caught.value


def with_output(**nodes: Any) -> dict[str, Any]:
    return {**nodes, "out": node("Quiet", value=["x", 0])}


LONG = [str(number) for number in range(30)]
NODE_ERRORS = [
    ("required_input_missing", node("Add", a=1), "b", {"input_name": "b"}),
    (
        "bad_linked_input",
        node("Add", a=[1, 2, 3], b=1),
        "a",
        {"input_name": "a", "input_config": ["INT", {}], "received_value": [1, 2, 3]},
    ),
    (
        "invalid_input_type",
        node("Add", a="x", b=1),
        "a, x, invalid literal for int() with base 10: 'x'",
        {
            "input_name": "a",
            "input_config": ["INT", {}],
            "received_value": "x",
            "exception_message": "invalid literal for int() with base 10: 'x'",
        },
    ),
    (
        "value_smaller_than_min",
        node("Float", value=-0.5),
        "value",
        {"input_name": "value", "input_config": ["FLOAT", {"min": 0.0, "max": 1.0}], "received_value": -0.5},
    ),
    (
        "value_bigger_than_max",
        node("Float", value="2"),
        "value",
        {"input_name": "value", "input_config": ["FLOAT", {"min": 0.0, "max": 1.0}], "received_value": 2.0},
    ),
    (
        "value_not_in_list",
        node("Choice", old="c", new="x", flag=False),
        "old: 'c' not in ['a', 'b']",
        {"input_name": "old", "input_config": [["a", "b"], {}], "received_value": "c"},
    ),
    (
        "value_not_in_list",
        node("Choice", old="a", new="c", flag=False),
        "new: 'c' not in ['x', 'y']",
        {"input_name": "new", "input_config": ["COMBO", {"options": ["x", "y"]}], "received_value": "c"},
    ),
    (
        "value_not_in_list",
        node("LongChoice", one="99"),
        "one: '99' not in (list of length 30)",
        {"input_name": "one", "input_config": None, "received_value": "99"},
    ),
    ("custom_validation_failed", node("Picky", a=50, b=1), "a - a is too big for me", {"input_name": "a"}),
]


@pytest.mark.parametrize(
    ("kind", "entry", "details", "extra"), NODE_ERRORS, ids=[row[0] + row[2] for row in NODE_ERRORS]
)
def test_errors_of_one_node(door: Door, kind: str, entry: Any, details: str, extra: Any) -> None:
    error = refused(door, with_output(x=entry))
    assert error.error["type"] == "prompt_outputs_failed_validation"
    assert set(error.node_errors) == {"x"}
    assert error.node_errors["x"]["class_type"] == entry["class_type"]
    assert error.node_errors["x"]["dependent_outputs"] == ["out"]
    (reason,) = error.node_errors["x"]["errors"]
    assert (reason["type"], reason["details"], reason["extra_info"]) == (kind, details, extra)
    assert reason["message"]
    assert "x" in str(error), "the exception's text names the node"


def test_types_must_match(door: Door) -> None:
    error = refused(door, with_output(a=node("Text", value="t"), x=node("Add", a=["a", 0], b=1)))
    (reason,) = error.node_errors["x"]["errors"]
    assert reason["type"] == "return_type_mismatch"
    assert reason["details"] == "a, received_type(STRING) mismatch input_type(INT)"
    assert reason["extra_info"] == {
        "input_name": "a",
        "input_config": ["INT", {}],
        "received_type": "STRING",
        "linked_node": ["a", 0],
    }


@pytest.mark.parametrize(("link", "owner"), [(["a", 5], "a"), (["a", -1], "a"), (["gone", 0], "gone")])
def test_links_to_what_is_not_there(door: Door, link: list[Any], owner: str) -> None:
    error = refused(door, with_output(a=node("Number", value=1), x=node("Add", a=link, b=1)))
    (reason,) = error.node_errors[owner]["errors"]
    assert reason["type"] == "exception_during_inner_validation"
    assert reason["extra_info"]["linked_node"] == link
    assert error.node_errors[owner]["dependent_outputs"] == ["out"]


@pytest.mark.parametrize(
    ("prompt", "owner", "kind"),
    [
        (with_output(x=node("Picky", a=99, b=0)), "x", "exception_during_inner_validation"),
        (with_output(x=node("BrokenTypes")), "x", "exception_during_inner_validation"),
    ],
)
def test_exceptions_while_validating(door: Door, prompt: Any, owner: str, kind: str) -> None:
    (reason,) = refused(door, prompt).node_errors[owner]["errors"]
    assert reason["type"] == kind
    assert reason["extra_info"]["exception_type"] == "RuntimeError"
    assert reason["extra_info"]["traceback"]


def test_a_check_that_exits_is_an_error_like_any_other(door: Door) -> None:
    (reason,) = refused(door, with_output(x=node("Picky", a=98, b=0))).node_errors["x"]["errors"]
    assert reason["extra_info"]["exception_type"] == "SystemExit"


def test_the_own_check_replaces_the_range_check(door: Door) -> None:
    assert door.value(with_output(x=node("Picky", a=5, b=1)), "x") == [6], "max 1 of a is not checked"
    (reason,) = refused(door, with_output(x=node("Picky", a=5, b=2))).node_errors["x"]["errors"]
    assert (reason["type"], reason["details"]) == ("value_bigger_than_max", "b")


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ({}, "prompt_no_outputs"),
        ({"1": node("Number", value=1)}, "prompt_no_outputs"),
        ({"1": node("Nothing")}, "missing_node_type"),
        ({"1": {"inputs": {}}}, "missing_node_type"),
        ({"1": {"class_type": ["x"], "inputs": {}}}, "missing_node_type"),
        ({"1": 5}, "invalid_prompt"),
        ({"1": {"class_type": "Number", "inputs": [1]}}, "invalid_prompt"),
        ([], "invalid_prompt"),
        (None, "invalid_prompt"),
    ],
)
def test_prompts_refused_as_a_whole(door: Door, prompt: Any, kind: str) -> None:
    error = refused(door, prompt)
    assert error.error["type"] == kind
    assert error.node_errors == {}
    assert set(error.error) == {"type", "message", "details", "extra_info"}


def test_an_empty_target_list_means_no_outputs(door: Door) -> None:
    assert refused(door, with_output(x=node("Number", value=1)), targets=[]).error["type"] == "prompt_no_outputs"


def test_one_good_output_is_enough(door: Door) -> None:
    prompt = {
        "a": node("Number", value=1),
        "good": node("Show", value=["a", 0]),
        "b": node("Number", value=10**6),
        "bad": node("Show", value=["b", 0]),
        "bad2": node("Show", value=["b", 0]),
    }
    submission = door.engine.submit(prompt)
    assert set(submission.node_errors) == {"b"}
    assert submission.node_errors["b"]["dependent_outputs"] == ["bad", "bad2"]
    entry = door.engine.wait(submission.prompt_id, 10)
    assert set(entry["outputs"]) == {"good"}
    assert entry["prompt"][4] == ["good"]


def test_the_callers_prompt_is_left_alone(door: Door) -> None:
    prompt = with_output(x=node("Number", value={"__value__": "3"}))
    before = repr(prompt)
    door.run(prompt)
    assert repr(prompt) == before


@pytest.mark.timeout(20)
@pytest.mark.parametrize("length", [1, 2, 5000])
def test_cycles_of_any_length(door: Door, length: int) -> None:
    prompt = {str(n): node("Add", a=[str((n + 1) % length), 0], b=0) for n in range(length)}
    prompt["out"] = node("Quiet", value=["0", 0])
    error = refused(door, prompt)
    ((owner, entry),) = error.node_errors.items()
    (reason,) = entry["errors"]
    assert reason["type"] == "dependency_cycle"
    assert len(reason["extra_info"]["cycle_nodes"]) == length
    assert owner == reason["extra_info"]["node_id"]
    assert entry["dependent_outputs"] == ["out"]
    if length == 2:
        assert reason["details"] == "0 (Add) -> 1 (Add) -> 0 (Add)"


@pytest.mark.timeout(60)
def test_a_chain_of_10000_is_no_matter(door: Door) -> None:
    prompt = {"0": node("Number", value=0)}
    prompt |= {str(n): node("Add", a=[str(n - 1), 0], b=1) for n in range(1, 10_000)}
    prompt["out"] = node("Quiet", value=["9999", 0])
    assert door.value(prompt, "9999") == [9999]


class Fit(enum.Enum):
    COVER = "cover"
    CONTAIN = 2


@pytest.mark.parametrize(("value", "shown"), [
    ("cover", "COVER"), ("COVER", "COVER"), (2, "CONTAIN"), ("CONTAIN", "CONTAIN"),
])  # fmt: skip
def test_enums_are_chosen_by_value_or_name(door: Door, value: Any, shown: str) -> None:
    def fitted(fit: Fit) -> str:
        return fit.name

    door.engine.registry.register(definition_from_function(fitted, localns={"Fit": Fit}))
    prompt = {"x": node("fitted", fit=value), "s": node("Show", value=["x", 0])}
    assert door.value(prompt, "x") == [shown]
    (error,) = refused(door, {**prompt, "x": node("fitted", fit="stretch")}).node_errors["x"]["errors"]
    assert error["details"] == "fit: 'stretch' not in ['cover', 2]"

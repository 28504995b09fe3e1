"""Corners of the node protocol that real packs sit in, and nodes that do what nobody should."""

from __future__ import annotations

import contextlib
import datetime
from collections import namedtuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook.engine import Event, PromptRejected
from comfy_notebook.engine.cache_providers import CacheProvider
from comfy_notebook.protocol.blocking import ExecutionBlocker
from comfy_notebook.protocol.expansion import GraphBuilder

from . import sample_nodes
from .conftest import Door, node
from .sample_nodes import Node, inputs
from .test_events import register

INT_INPUT = inputs({"value": ("INT", {})})
HOOKS = ["on_prompt", "should_cache", "on_lookup", "on_store", "on_prompt_start", "on_prompt_end"]
EXITS = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError("deep"), MemoryError()]


def make(go: Any = None, name: str = "Odd", base: type = Node, **members: Any) -> type:
    """A node class with one INT input ``value`` unless ``members`` say otherwise."""
    members.setdefault("INPUT_TYPES", INT_INPUT)
    return type(name, (base,), {"go": go or (lambda self, value: (value,)), **members})


def name_of(error: BaseException) -> str:
    return type(error).__name__


def show(source: str = "o", slot: int = 0) -> dict[str, Any]:
    return node("Show", value=[source, slot])


def goes_on(door: Door) -> None:
    assert door.value({"a": node("Number", value=5), "s": node("Show", value=["a", 0])}, "a") == [5]


# RETURN_TYPES that answer for any slot


class Whatever(str):
    def __ne__(self, other: object) -> bool:
        return False


class AnySlot(tuple):  # type: ignore[type-arg]
    """One type for as many outputs as somebody links."""

    def __getitem__(self, index: Any) -> Any:
        return Whatever(super().__getitem__(min(index, len(self) - 1)))


def test_outputs_without_number(door: Door) -> None:
    register(door, make(lambda self, value: tuple(range(value)), RETURN_TYPES=AnySlot(("*",))))
    prompt = {"o": node("Odd", value=9), "a": node("Add", a=["o", 7], b=["o", 0]), "s": show("a")}
    assert door.value(prompt, "a") == [7]
    assert door.value({**prompt, "o": node("Odd", value=8)}, "a") == [7]


# What a node may return

Pair = namedtuple("Pair", "first second")
RETURNS: list[tuple[Any, Any]] = [
    (lambda self, value: Pair(value, 2), ["1"]),
    (lambda self, value: [value], ["1"]),
    (lambda self, value: (value, 2, 3, 4), ["1"]),
    (lambda self, value: (), ["None"]),
    (lambda self, value: {"result": [value]}, ["1"]),
    (lambda self, value: {"result": None}, ["None"]),
    (lambda self, value: {}, ["None"]),
    (lambda self, value: {"ui": {"text": ("x",)}, "result": (value,)}, ["1"]),
    (lambda self, value: {"result": ExecutionBlocker(None)}, None),
    (lambda self, value: ExecutionBlocker(None), None),
    (lambda self, value: (ExecutionBlocker(None),), None),
    (lambda self, value: iter([value]), TypeError),
    (lambda self, value: value, TypeError),
    (lambda self, value: {"result": "ab"}, TypeError),
    (lambda self, value: {"result": (value,), "ui": ["x"]}, TypeError),
    (lambda self, value: {"result": (value,), "ui": {"text": 5}}, TypeError),
]


@pytest.mark.parametrize(("go", "expected"), RETURNS)
def test_returns(door: Door, go: Any, expected: Any) -> None:
    register(door, make(go))
    entry = door.run({"o": node("Odd", value=1), "s": show()})
    if isinstance(expected, type):
        assert entry["status"]["messages"][-1][1]["exception_type"] == expected.__name__
        assert entry["status"]["messages"][-1][1]["node_id"] == "o"
    else:
        assert entry["status"]["completed"]
        assert entry["outputs"].get("s") == (None if expected is None else {"text": expected})
    goes_on(door)


@pytest.mark.parametrize(
    ("ui", "message"), [([1, 2], "ui is a dict of lists, not list"), ({"a": 5}, "the ui value 'a' is a list, not int")]
)
def test_ui_of_a_wrong_kind_is_explained(door: Door, ui: Any, message: str) -> None:
    register(door, make(go=lambda self, value: {"ui": ui, "result": (value,)}))
    entry = door.run({"o": node("Odd", value=1), "s": show()})
    kind, data = entry["status"]["messages"][-1]
    assert (kind, data["node_id"], data["exception_message"]) == ("execution_error", "o", message + "\n")


def test_ui_of_several_calls_is_joined_by_the_keys_of_the_first(door: Door) -> None:
    def go(self: Any, value: int) -> Any:
        return {"ui": {"text": [value], **({"more": [1]} if value else {})}, "result": (value,)}

    register(door, make(go, OUTPUT_NODE=True))
    entry = door.run({"r": node("Range", count=3), "o": node("Odd", value=["r", 0])})
    assert entry["outputs"]["o"] == {"text": [0, 1, 2]}


def test_a_function_that_only_instances_have(door: Door) -> None:
    def init(self: Any) -> None:
        self.late = lambda value: (value + 1,)

    register(door, make(FUNCTION="late", __init__=init))
    assert door.value({"o": node("Odd", value=1), "s": show()}, "o") == [2]


# Nodes and hooks that break


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class BadShape:
    @property
    def shape(self) -> Any:
        raise RuntimeError("no shape")

    def __str__(self) -> str:
        raise RuntimeError("no words")


def raising(error: BaseException) -> Any:
    def go(*_: Any, **__: Any) -> Any:
        raise error

    return go


@pytest.mark.parametrize("error", [*EXITS, UnspeakableError(), BaseException("bare")], ids=name_of)
@pytest.mark.parametrize("where", ["go", "__init__", "check_lazy_status", "async"])
def test_whatever_a_node_raises_ends_one_prompt(door: Door, where: str, error: BaseException) -> None:
    async def go_later(self: Any, value: Any) -> Any:
        raise error

    members: dict[str, Any] = {"go": go_later} if where == "async" else {where: raising(error)}
    register(door, make(**members))
    entry = door.run(
        {"n": node("Unwrap", value={"__value__": [0, BadShape()]}), "o": node("Odd", value=["n", 0]), "s": show()}
    )
    (kind, data) = entry["status"]["messages"][-1]
    assert (kind, data["node_id"]) == ("execution_error", "o")
    assert isinstance(data["exception_message"], str)
    goes_on(door)


@pytest.mark.parametrize("error", EXITS, ids=name_of)
def test_whatever_is_changed_raises_means_changed(door: Door, error: BaseException) -> None:
    register(door, make(IS_CHANGED=classmethod(raising(error))))
    prompt = {"o": node("Odd", value=1), "s": show()}
    for _ in range(2):
        assert door.value(prompt, "o") == [1]
        assert "o" not in door.of("execution_cached")[0]["nodes"]
    if not isinstance(error, KeyboardInterrupt):  # on the main thread that is a person's Ctrl-C
        assert set(door.engine.signatures(prompt)) == {"o", "s"}


@pytest.mark.parametrize("error", EXITS, ids=name_of)
@pytest.mark.parametrize("hook", HOOKS)
def test_whatever_a_hook_raises_costs_nothing(door: Door, hook: str, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt) and hook == "on_prompt":
        pytest.skip("on the main thread that is a person's Ctrl-C")
    if hook == "on_prompt":
        door.engine.on_prompt.add(raising(error))
    else:
        members = {"on_lookup": lambda *_: None, "on_store": lambda *_: None, hook: raising(error)}
        door.engine.cache_providers.register(type("Hook", (CacheProvider,), members)())
    goes_on(door)


@pytest.mark.parametrize("kind", ["execution_start", "executing", "execution_success"])
def test_a_listener_that_wants_to_end_the_program_does_not(door: Door, kind: str) -> None:
    def listener(event: Event) -> None:
        if event.type == kind:
            raise SystemExit(1)

    door.engine.bus.subscribe(listener)
    goes_on(door)


def test_nobody_waits_for_ever(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.engine.instances, "keep_only", raising(SystemExit(1)))
    entry = door.run({"n": node("Number", value=1), "s": node("Show", value=["n", 0])})
    assert entry["status"]["status_str"] == "error"
    monkeypatch.undo()
    goes_on(door)


@pytest.mark.parametrize("error", EXITS, ids=name_of)
def test_input_types_that_raise_cost_one_output(door: Door, error: BaseException) -> None:
    def asked(cls: Any) -> Any:
        if isinstance(error, KeyboardInterrupt):
            raise RuntimeError("stands for it on the main thread")
        raise error

    register(door, make(INPUT_TYPES=classmethod(asked)))
    submission = door.engine.submit({"o": node("Odd", value=1), "s": show(), "t": node("Show", value=[1][0])})
    assert set(submission.node_errors) == {"o"}
    assert door.engine.wait(submission.prompt_id, 10)["outputs"] == {"t": {"text": ["1"]}}


# VALIDATE_INPUTS by its signature

SEEN: list[Any] = []


def seen(value: Any) -> bool:
    SEEN.append(value)
    return True


def check_all(cls: Any, /, **given: Any) -> Any:
    return seen(given)


def check_keyword(cls: Any, *, value: Any) -> Any:
    return seen(value)


def check_one(value: Any) -> Any:
    return seen(value)


OWN_CHECKS: list[tuple[Any, dict[str, Any], Any]] = [
    (classmethod(check_all), {"value": 5}, {"value": 5, "input_types_of": None, "me": "o", "all": {}}),
    (classmethod(check_all), {"value": ["n", 0]}, {"value": None, "input_types_of": None, "me": "o", "all": {}}),
    (classmethod(check_keyword), {"value": 5}, 5),
    (staticmethod(check_one), {"value": 5}, 5),
    (classmethod(lambda cls, me: seen(me)), {"value": 5}, "o"),
    (classmethod(lambda cls, absent=7: seen(absent)), {"value": 5}, 7),
]


@pytest.mark.parametrize(("check", "given", "expected"), OWN_CHECKS)
def test_own_checks_get_what_they_name(door: Door, check: Any, given: dict[str, Any], expected: Any) -> None:
    SEEN.clear()
    declared = inputs({"value": ("INT", {"max": 1})}, {"input_types_of": ("STRING", {})}, me="UNIQUE_ID", all="PROMPT")
    go = lambda self, value, input_types_of, me, all: (value,)  # noqa: E731
    register(door, make(go, INPUT_TYPES=declared, VALIDATE_INPUTS=check))
    given = {**given, "input_types_of": {"__value__": None}}
    prompt = {"n": node("Number", value=1), "o": node("Odd", **given), "s": show()}
    with contextlib.suppress(PromptRejected):  # max 1, where the check leaves the value to us
        door.engine.submit(prompt)
    assert [expected] == SEEN


REFUSALS: list[tuple[Any, list[str]]] = [
    (classmethod(lambda cls, value: False), ["value"]),
    (classmethod(lambda cls, value: "too odd"), ["value - too odd"]),
    (classmethod(lambda cls, value: None), ["value - None"]),
    (classmethod(lambda cls, value: 1), ["value - 1"]),
    (classmethod(lambda cls, value, other: "no"), ["value - no", "other - no"]),
    (classmethod(lambda cls, value, input_types: "no"), ["value - no", "input_types - no"]),
    (classmethod(lambda cls, input_types: "no"), ["input_types - no"]),
    (classmethod(lambda cls: "never"), ["go - never"]),
    (classmethod(lambda cls, **_: False), ["value", "other"]),
]


@pytest.mark.parametrize(("check", "details"), REFUSALS)
def test_own_checks_that_refuse(door: Door, check: Any, details: list[str]) -> None:
    declared = inputs({"value": ("INT", {}), "other": ("INT", {})})
    register(door, make(INPUT_TYPES=declared, VALIDATE_INPUTS=check))
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"o": node("Odd", value=1, other=2), "s": show()})
    errors = refused.value.node_errors["o"]["errors"]
    assert {one["type"] for one in errors} == {"custom_validation_failed"}
    assert [one["details"] for one in errors] == details
    assert [one["extra_info"] for one in errors] == [{"input_name": text.split(" - ")[0]} for text in details]


def test_a_check_that_is_no_function_is_none(door: Door) -> None:
    register(door, make(VALIDATE_INPUTS=True))
    assert door.value({"o": node("Odd", value=1), "s": show()}, "o") == [1]


def test_exceptions_below_a_link_name_the_link(door: Door) -> None:
    check = {"o": node("Odd", value=1), "a": node("Add", a=["o", 0], b=0), "s": show("a")}
    register(door, make(VALIDATE_INPUTS=classmethod(lambda cls, value: 1 / 0)))
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit(check)
    ((owner, entry),) = refused.value.node_errors.items()
    (error,) = entry["errors"]
    assert owner == "o"
    assert entry["dependent_outputs"] == ["s"]
    assert (error["type"], error["details"]) == ("exception_during_inner_validation", "division by zero")
    traceback = error["extra_info"].pop("traceback")
    assert "test_corners" in traceback[-1]
    assert error["extra_info"] == {
        "input_name": "a",
        "input_config": ["INT", {}],
        "exception_message": "division by zero",
        "exception_type": "ZeroDivisionError",
        "linked_node": ["o", 0],
    }


def test_exceptions_at_an_output_node(door: Door) -> None:
    register(door, make(OUTPUT_NODE=True, VALIDATE_INPUTS=classmethod(lambda cls, value: 1 / 0)))
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"o": node("Odd", value=1)})
    (error,) = refused.value.node_errors["o"]["errors"]
    assert (error["type"], error["details"]) == ("exception_during_validation", "division by zero")
    assert set(error["extra_info"]) == {"exception_type", "traceback"}


# IS_CHANGED

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
FINGERPRINTS: list[tuple[Any, bool]] = [
    (lambda: MOMENT, True),
    (MOMENT.date, True),
    (lambda: Path("a/b"), True),
    (lambda: Decimal("1.5"), True),
    (lambda: {3, 1, 2}, True),
    (lambda: frozenset("abc"), True),
    (lambda: b"digest", True),
    (lambda: (1.5, ["a", {"b": None}]), True),
    (lambda: 1 + 2j, True),
    (lambda: __import__("numpy").float32(0.5), True),
    (lambda: __import__("numpy").int64(5), True),
    (lambda: __import__("numpy").float64("nan"), False),
    (lambda: __import__("numpy").zeros(3), False),
    (lambda: [float("nan")], False),
    (object, False),
]


@pytest.mark.parametrize(("answer", "is_reused"), FINGERPRINTS)
def test_what_is_changed_may_answer(door: Door, answer: Any, is_reused: bool) -> None:
    register(door, make(IS_CHANGED=classmethod(lambda cls, value: answer())))
    prompt = {"o": node("Odd", value=1), "s": show()}
    door.run(prompt)
    door.run(prompt)
    assert ("o" in door.of("execution_cached")[0]["nodes"]) is is_reused


async def later(cls: Any, value: Any) -> Any:
    return ("later", value)


KINDS: list[tuple[Any, bool]] = [
    (staticmethod(lambda value: value), True),
    (lambda value: value, True),
    (lambda **given: given, True),
    (lambda self, value: value, False),  # one argument short when asked of the class
    (classmethod(later), True),
    (True, False),
    ("text", False),
]


@pytest.mark.parametrize(("is_changed", "is_reused"), KINDS)
def test_kinds_of_is_changed(door: Door, is_changed: Any, is_reused: bool) -> None:
    register(door, make(IS_CHANGED=is_changed))
    prompt = {"o": node("Odd", value=1), "s": show()}
    door.run(prompt)
    door.run(prompt)
    assert ("o" in door.of("execution_cached")[0]["nodes"]) is is_reused


def test_is_changed_is_asked_for_every_list_item_of_constants(door: Door) -> None:
    asked: list[Any] = []
    declared = inputs({"value": ("*", {})}, None, me="UNIQUE_ID", all="PROMPT", info="EXTRA_PNGINFO")
    go = lambda self, value, me, all, info: (1,)  # noqa: E731
    members: dict[str, Any] = {
        "INPUT_IS_LIST": True,
        "IS_CHANGED": classmethod(lambda cls, **given: asked.append(given)),
    }
    register(door, make(go, INPUT_TYPES=declared, **members))
    door.run({"o": node("Odd", value=3), "s": show()}, extra_data={"extra_pnginfo": {"workflow": {}}})
    assert asked == [{"value": [3], "me": ["o"], "all": [{}], "info": [None]}]


def test_a_clients_own_is_changed_counts(door: Door) -> None:
    register(door, make(IS_CHANGED=classmethod(raising(AssertionError("asked")))))
    for answer, cached in (("v1", False), ("v1", True), ("v2", False)):
        door.run({"o": {**node("Odd", value=1), "is_changed": answer}, "s": show()})
        assert ("o" in door.of("execution_cached")[0]["nodes"]) is cached


# Raw links


class Forward(Node):
    """Puts its raw link into a graph of its own."""

    INPUT_TYPES = inputs({"value": ("INT", {"rawLink": True})})

    def go(self, value: Any) -> Any:
        graph = GraphBuilder()
        return {"result": (graph.node("Add", a=value, b=100).out(0),), "expand": graph.finalize()}


def test_results_made_from_a_raw_link_follow_what_it_leads_to(door: Door) -> None:
    register(door, Forward)
    for value in (1, 2, 1):
        assert door.value(
            {"n": node("Number", value=value), "f": node("Forward", value=["n", 0]), "s": show("f")}, "f"
        ) == [100 + value]


def test_a_raw_link_says_whose_output_it_is(door: Door) -> None:
    for id in ("a", "b"):
        prompt = {id: node("Number", value=1), "x": node("RawLink", value=[id, 0]), "s": show("x")}
        assert door.value(prompt, "x") == [repr([id, 0])]
    assert door.calls("Number") == [], "the same number, found in the cache"


def test_what_a_raw_link_leads_to_runs_first(door: Door) -> None:
    door.run({"n": node("Number", value=77), "x": node("RawLink", value=["n", 0]), "s": show("x")})
    assert door.calls("Number") == [77]
    assert [data["node"] for data in door.of("executing")] == ["n", "x", "s", None]


# Hidden values


@pytest.mark.parametrize(
    ("marker", "expected"),
    [("COMFY_USAGE_SOURCE", "script"), ("EXECUTION_LIST", None), ("API_KEY_COMFY_ORG", "key")],
)
def test_hidden_markers_of_newer_versions(door: Door, marker: str, expected: Any) -> None:
    register(door, make(lambda self, value, h: (h,), INPUT_TYPES=inputs({"value": ("INT", {})}, None, h=marker)))
    extra = {"comfy_usage_source": "script", "api_key_comfy_org": "key"}
    entry = door.run({"o": node("Odd", value=1), "s": show()}, extra_data=extra)
    assert entry["outputs"]["s"] == {"text": [str(expected)]}


# Links


def test_links_of_the_callers_prompt_are_left_alone(door: Door) -> None:
    prompt = {"1": node("Number", value=1), "x": node("Add", a=[1, 0.0], b=["1", 0]), "s": show("x")}
    before = repr(prompt)
    assert door.value(prompt, "x") == [2]
    assert repr(prompt) == before


@pytest.mark.parametrize("link", [["gone", 0], ["n", 99]])
def test_an_undeclared_link_to_nothing_fails_only_its_prompt(door: Door, link: list[Any]) -> None:
    entry = door.run({"n": node("Number", value=1), "x": node("Sum", v=link)})
    assert entry["status"]["messages"][-1][0] == "execution_error"
    goes_on(door)


def test_not_navigable_inputs_validate_nothing_behind_them(door: Door) -> None:
    declared = inputs({"value": ("INT", {"nonNavigable": True})})
    register(door, make(INPUT_TYPES=declared, OUTPUT_NODE=True))
    submission = door.engine.submit({"n": node("Number", value=5000), "o": node("Odd", value=["n", 0])})
    assert submission.node_errors == {}


# Lists as constants: wrapped, since a bare list is a link

MULTI = inputs({"value": ("COMBO", {"options": ["a", "b", 0], "multiselect": True})})


@pytest.mark.parametrize("value", [["a"], ["a", "b"], ["a", 0], ["a", "b", 0], []])
@pytest.mark.parametrize("declared", [MULTI, inputs({"value": ("CURVE", {})}), inputs({}, {"value": ("*", {})})])
def test_lists_as_constants(door: Door, declared: Any, value: list[Any]) -> None:
    register(door, make(lambda self, value: (f"{type(value).__name__} {value}",), INPUT_TYPES=declared))
    prompt = {"o": node("Odd", value={"__value__": value}), "s": show()}
    for _ in range(2):
        entry = door.run(prompt)
        assert entry["outputs"]["s"] == {"text": [f"list {value}"]}
        assert entry["prompt"][2] == prompt, "what is kept and embedded means the same when it is sent again"
    assert door.of("execution_cached")[0]["nodes"] == ["o", "s"]


@pytest.mark.parametrize("value", [["c"], ["a", "c"], ["a", 1]])
def test_every_member_of_a_choice_is_checked(door: Door, value: list[Any]) -> None:
    register(door, make(INPUT_TYPES=MULTI))
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"o": node("Odd", value={"__value__": value}), "s": show()})
    (error,) = refused.value.node_errors["o"]["errors"]
    assert error["type"] == "value_not_in_list"
    assert error["extra_info"]["received_value"] == value


# Cycles


def ring(length: int, *, declared: bool) -> dict[str, Any]:
    name = "value" if declared else "undeclared"
    class_type = "Loose" if declared else "Sum"
    return {str(i): node(class_type, **{name: [str((i + 1) % length), 0]}) for i in range(length)}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("length", [1, 2, 10_000])
def test_cycles_over_any_link(door: Door, length: int, declared: bool) -> None:
    prompt = {**ring(length, declared=declared), "s": node("Show", value=["0", 0]), "fine": node("Show", value=3)}
    if not declared:
        for entry in list(prompt.values())[:length]:
            entry["class_type"] = "TakesAll"
        prompt["s"] = node("Show", value=["0", 0])
    submission = door.engine.submit(prompt)
    ((_, found),) = submission.node_errors.items()
    (error,) = found["errors"]
    assert error["type"] == "dependency_cycle"
    assert len(error["extra_info"]["cycle_nodes"]) == length
    assert found["dependent_outputs"] == ["s"]
    assert door.engine.wait(submission.prompt_id, 30)["outputs"] == {"fine": {"text": ["3"]}}


def test_a_cycle_over_undeclared_links_is_told_once(door: Door) -> None:
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"x": node("Sum", v=["y", 0]), "y": node("Sum", v=["x", 0])})
    ((_, found),) = refused.value.node_errors.items()
    assert found["errors"][0]["details"] in ("x (Sum) -> y (Sum) -> x (Sum)", "y (Sum) -> x (Sum) -> y (Sum)")
    assert found["dependent_outputs"] == ["x", "y"]


def expanding(graph: Any, result: Any = (["0", 0],)) -> type:
    return make(lambda self, value: {"result": result, "expand": graph})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("length", [1, 2, 10_000])
def test_cycles_in_an_expansion(door: Door, length: int) -> None:
    register(door, expanding({id: {**one} for id, one in ring(length, declared=True).items()}))
    entry = door.run({"o": node("Odd", value=1), "s": show()})
    data = entry["status"]["messages"][-1][1]
    assert data["exception_type"].endswith("DependencyCycleError")
    assert data["node_id"] == "o"
    assert len(data["exception_message"]) < 2000
    goes_on(door)


def test_an_expansion_that_waits_for_itself(door: Door) -> None:
    register(door, expanding({"e": node("Loose", value=["o", 0])}, (["e", 0],)))
    entry = door.run({"o": node("Odd", value=1), "s": show()})
    assert entry["status"]["messages"][-1][1]["exception_type"].endswith("DependencyCycleError")


# Expansions that are none

GARBAGE: list[tuple[Any, Any, str]] = [
    ([1], (["0", 0],), "GraphBuilder.finalize()"),
    ("graph", (["0", 0],), "GraphBuilder.finalize()"),
    (5, (), "GraphBuilder.finalize()"),
    ({"0": None}, (["0", 0],), "node 0 is NoneType"),
    ({"0": {}}, (["0", 0],), "without a class_type"),
    ({"0": {"class_type": 5}}, (["0", 0],), "without a class_type"),
    ({"0": {"class_type": "Number", "inputs": [1]}}, (["0", 0],), "inputs of its node 0"),
    ({"0": node("Number", value=1)}, (["1", 0],), "links its result to node 1"),
    ({"0": node("Number", value=["nowhere", 0])}, (["0", 0],), "not in the prompt"),
    ({"s": node("Number", value=1)}, (["s", 0],), "exists already"),
    ({"0": node("Number")}, (["0", 0],), "missing 1 required positional argument"),
]


@pytest.mark.parametrize(("graph", "result", "message"), GARBAGE)
def test_expansions_that_are_none(door: Door, graph: Any, result: Any, message: str) -> None:
    register(door, expanding(graph, result))
    entry = door.run({"o": node("Odd", value=1), "s": show()})
    data = entry["status"]["messages"][-1][1]
    assert message in data["exception_message"]
    assert data["node_id"] == "o"
    goes_on(door)


@pytest.mark.parametrize(
    ("graph", "result", "expected"),
    [
        ({}, (7,), "7"),
        ({}, (["n", 0],), "1"),
        ({0: node("Number", value=4)}, (["0", 0],), "4"),
        ({"0": {"class_type": "Number", "inputs": {"value": 4}, "override_display_id": 5}}, (["0", 0.0],), "4"),
        ({"0": {"class_type": "Sum"}}, (["0", 0],), "0"),
        (None, (8,), "8"),
    ],
)
def test_odd_expansions_that_work(door: Door, graph: Any, result: Any, expected: str) -> None:
    register(door, expanding(graph, result))
    entry = door.run({"n": node("Number", value=1), "o": node("Odd", value=["n", 0]), "s": show()})
    assert entry["outputs"]["s"] == {"text": [expected]}


# Results that are shown on the way


def test_intermediate_outputs_are_shown_again_when_nothing_runs(door: Door) -> None:
    go = lambda self, value: {"ui": {"text": [f"mid {value}"]}, "result": (value,)}  # noqa: E731
    register(door, make(go, HAS_INTERMEDIATE_OUTPUT=True))
    register(door, make(go, name="Plain"))
    prompt = {"o": node("Odd", value=1), "p": node("Plain", value=["o", 0]), "s": show("p")}
    first = door.run(prompt)
    assert set(first["outputs"]) == {"o", "p", "s"}
    again = door.run(prompt)
    assert {id: again["outputs"].get(id) for id in "os"} == {"o": {"text": ["mid 1"]}, "s": {"text": ["1"]}}
    assert {data["node"] for data in door.of("executed")} == {"o", "s"}
    assert set(again["meta"]) == {"o", "s"}
    sample_nodes.CALLS.clear()

"""What runs mean: one table for every door. Expectations follow from the definition of the nodes, by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Prompt = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """``outputs``: what output nodes show, by id. ``order``: what is told to be executing, in order, where the order
    follows from the graph (nodes added by expansion left out); ``ran``: the same as a set, where it does not.
    ``error``: ``(node, type, text)`` of the failure. ``refused``: ``(node, type, input)`` of complaints; with
    ``outputs`` too, the rest runs all the same. ``blocked``: messages of blockers. ``again``: what runs again though
    nothing changed."""

    name: str
    prompt: Prompt
    outputs: dict[str, Any] = field(default_factory=dict)
    order: list[str] | None = None
    ran: set[str] | None = None
    error: tuple[str, str, str] | None = None
    refused: list[tuple[str, str, str | None]] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    targets: list[str] | None = None
    again: set[str] = field(default_factory=set)


def n(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def dotted(class_type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def text(value: Any) -> dict[str, Any]:
    return {"text": [str(value)]}


def while_loop(turns: int) -> Prompt:
    """``first`` counts up to ``turns``, ``second`` doubles each turn: 1 → 2**turns."""
    return {
        "1": n("Number", value=0),
        "2": n("Number", value=1),
        "3": n("LoopOpen", first=["1", 0], second=["2", 0]),
        "4": n("Add", a=["3", 1], b=1),
        "5": n("Add", a=["3", 2], b=["3", 2]),
        "6": n("Less", a=["4", 0], b=turns),
        "7": n("LoopClose", loop=["3", 0], again=["6", 0], first=["4", 0], second=["5", 0]),
        "8": n("Show", value=["7", 0]),
        "9": n("Show", value=["7", 1]),
    }


def loop_in_a_loop(outer: int, inner: int) -> Prompt:
    """Counts ``outer`` times ``inner`` steps."""
    return {
        "1": n("Number", value=0),
        "2": n("LoopOpen", first=["1", 0], second=["1", 0]),  # turn, total
        "3": n("Add", a=["2", 1], b=0),
        "4": n("LoopOpen", first=["1", 0], second=["3", 0]),
        "5": n("Add", a=["4", 1], b=1),
        "6": n("Add", a=["4", 2], b=1),
        "7": n("Less", a=["5", 0], b=inner),
        "8": n("LoopClose", loop=["4", 0], again=["7", 0], first=["5", 0], second=["6", 0]),
        "9": n("Add", a=["2", 1], b=1),
        "10": n("Less", a=["9", 0], b=outer),
        "11": n("LoopClose", loop=["2", 0], again=["10", 0], first=["9", 0], second=["12", 0]),
        "12": n("Add", a=["2", 2], b=["8", 1]),
        "13": n("Show", value=["11", 1]),
    }


def nested_total(outer: int, inner: int) -> int:
    """The same in Python: the inner loop starts from the turn's number and counts ``inner`` up."""
    total = 0
    for turn in range(outer):
        total += turn + inner
    return total


def accumulator(turns: int) -> Prompt:
    return {
        "1": n("Number", value=0),
        "2": n("LoopOpen", first=["1", 0]),
        "3": n("Append", item=["2", 1], to=["2", 2]),
        "4": n("Add", a=["2", 1], b=1),
        "5": n("Less", a=["4", 0], b=turns),
        "6": n("LoopClose", loop=["2", 0], again=["5", 0], first=["4", 0], second=["3", 0]),
        "7": n("Spread", accumulation=["6", 1]),
        "8": n("Add", a=["7", 0], b=10),
        "9": n("Gather", values=["8", 0]),
    }


def switch(which: bool, kind: str = "Switch") -> Prompt:
    return {
        "1": n("Number", value=1),
        "2": n("Number", value=2),
        "3": n(kind, which=which, yes=["1", 0], no=["2", 0]),
        "4": n("Show", value=["3", 0]),
    }


def mapped_switch() -> Prompt:
    """0, 1, 2 of which those below 2 take the one branch, the other the other."""
    return {
        "1": n("Range", count=3),
        "2": n("Less", a=["1", 0], b=2),
        "3": n("Number", value=7),
        "4": n("Number", value=8),
        "5": n("Switch", which=["2", 0], yes=["3", 0], no=["4", 0]),
        "6": n("Gather", values=["5", 0]),
    }


CHAIN: Prompt = {
    "1": n("Number", value=2),
    "2": n("Add", a=["1", 0], b=3),
    "3": n("Add", a=["2", 0], b=["1", 0]),
    "4": n("Show", value=["3", 0]),
}
TWO_ENDS: Prompt = {**CHAIN, "5": n("Number", value=50), "6": n("Show", value=["5", 0])}

CASES = [
    Case("a chain", CHAIN, {"4": text(7)}, ["1", "2", "3", "4"]),
    Case("partial targets", TWO_ENDS, {"6": text(50)}, ["5", "6"], targets=["6"]),
    Case("all targets", TWO_ENDS, {"4": text(7), "6": text(50)}, ran=set("123456"), targets=["4", "6"]),
    Case("a target that is no output node", TWO_ENDS, refused=[("", "prompt_no_outputs", None)], targets=["1"]),
    Case("a lazy branch", switch(True), {"4": text(1)}, ["3", "1", "4"]),
    Case("the other lazy branch", switch(False), {"4": text(2)}, ["3", "2", "4"]),
    Case("a lazy branch, V3", switch(False, "V3Switch"), {"4": text(2)}, ["3", "2", "4"]),
    Case("lazy branches over a list", mapped_switch(), {"6": {"all": ["7", "7", "8"]}}, ran=set("123456")),
    Case(
        "list mapping repeats the last of the shorter list",
        {
            "1": n("Range", count=4),
            "2": n("Range", count=2),
            "3": n("Add", a=["1", 0], b=["2", 0]),
            "4": n("Gather", values=["3", 0]),
        },
        {"4": {"all": ["0", "2", "3", "4"]}},
        ran=set("1234"),
    ),
    Case(
        "an output node shows each item",
        {"1": n("Range", count=3), "2": n("Show", value=["1", 0])},
        {"2": {"text": ["0", "1", "2"]}},
        ["1", "2"],
    ),
    Case(
        "an empty list", {"1": n("Range", count=0), "2": n("Gather", values=["1", 0])}, {"2": {"all": []}}, ["1", "2"]
    ),
    Case(
        "an empty list beside a value",
        {"1": n("Range", count=0), "2": n("Add", a=["1", 0], b=1), "3": n("Show", value=["2", 0])},
        error=("2", "IndexError", "index out of range"),
        order=["1", "2"],
    ),
    Case(
        "a silent blocker",
        {
            "1": n("Number", value=5),
            "2": n("Block", value=["1", 0], above=3, message=""),
            "3": n("Add", a=["2", 0], b=1),
            "4": n("Show", value=["3", 0]),
            "5": n("Show", value=["1", 0]),
        },
        {"5": text(5)},
        ran=set("12345"),
    ),
    Case(
        "a blocker that says why",
        {
            "1": n("Block", value=5, above=3, message="too much"),
            "2": n("Add", a=["1", 0], b=1),
            "3": n("Show", value=["2", 0]),
        },
        order=["1", "2", "3"],
        blocked=["Execution Blocked: too much"],
    ),
    Case(
        "some items of a list blocked",
        {
            "1": n("Range", count=4),
            "2": n("Block", value=["1", 0], above=1, message=""),
            "3": n("Show", value=["2", 0]),
        },
        {"3": {"text": ["0", "1"]}},
        ["1", "2", "3"],
    ),
    Case(
        "a blocker, V3",
        {"1": n("V3Gate", value=5, closed="shut"), "2": n("Show", value=["1", 0])},
        order=["1", "2"],
        blocked=["Execution Blocked: shut"],
    ),
    Case("a while loop", while_loop(5), {"8": text(5), "9": text(32)}),
    Case("a loop of one turn", while_loop(1), {"8": text(1), "9": text(2)}),
    Case("a loop in a loop", loop_in_a_loop(3, 4), {"13": text(nested_total(3, 4))}),
    Case("an accumulator over a loop", accumulator(4), {"9": {"all": ["10", "11", "12", "13"]}}),
    Case(
        "a loop by recursion", {"1": n("Countdown", times=12, value=3), "2": n("Show", value=["1", 0])}, {"2": text(15)}
    ),
    Case(
        "recursion over a list",
        {
            "1": n("Range", count=4),
            "2": n("Countdown", times=["1", 0], value=10),
            "3": n("Gather", values=["2", 0]),
        },
        {"3": {"all": ["10", "11", "12", "13"]}},
    ),
    Case(
        "recursion, V3",
        {"1": n("V3Factorial", n=6, product=1), "2": n("V3Show", value=["1", 0])},
        {"2": text("2: 720")},
    ),
    Case(
        "async nodes",
        {
            "1": n("Wait", value=1, seconds=0.02),
            "2": n("Wait", value=["1", 0], seconds=0.02),
            "3": n("Add", a=["2", 0], b=["1", 0]),
            "4": n("Show", value=["3", 0]),
        },
        {"4": text(2)},
        ["1", "2", "3", "4"],
    ),
    Case(
        "an async node over a list",
        {"1": n("Range", count=3), "2": n("Wait", value=["1", 0], seconds=0.02), "3": n("Gather", values=["2", 0])},
        {"3": {"all": ["0", "1", "2"]}},
        ["1", "2", "3"],
    ),
    Case(
        "a growing input",
        {
            "1": n("Number", value=4),
            "2": dotted("V3Sum", {"numbers.n0": ["1", 0], "numbers.n1": ["1", 0], "numbers.n2": ["1", 0]}),
            "3": n("Show", value=["2", 0]),
        },
        {"3": text(12)},
        ["1", "2", "3"],
    ),
    Case(
        "a choice with inputs of its own",
        {
            "1": n("Number", value=5),
            "2": dotted("V3Choose", {"rule": "power", "rule.base": 2, "rule.exponent": ["1", 0]}),
            "3": n("Show", value=["2", 0]),
        },
        {"3": text(32)},
        ["1", "2", "3"],
    ),
    Case(
        "the other choice",
        {"1": dotted("V3Choose", {"rule": "double", "rule.value": 21}), "2": n("Show", value=["1", 0])},
        {"2": text(42)},
        ["1", "2"],
    ),
    Case(
        "whatever is linked",
        {
            "1": n("Number", value=4),
            "2": n("Number", value=5),
            "3": n("Total", x=["1", 0], y=["2", 0]),
            "4": n("Show", value=["3", 0]),
        },
        {"4": text(9)},
        ran=set("1234"),
    ),
    Case(
        "a node that runs every time",
        {"1": n("Number", value=1), "2": n("Clock", value=["1", 0]), "3": n("Show", value=["2", 0])},
        {"3": text(1)},
        ["1", "2", "3"],
        again={"2", "3"},
    ),
    Case(
        "twins run once",
        {
            "1": n("Number", value=3),
            "2": n("Number", value=3),
            "3": n("Add", a=["1", 0], b=["2", 0]),
            "4": n("Show", value=["3", 0]),
        },
        {"4": text(6)},
    ),
    Case(
        "a node that fails",
        {"1": n("Number", value=3), "2": n("Fail", value=["1", 0], how="error"), "3": n("Show", value=["2", 0])},
        error=("2", "ValueError", "3 is no good"),
        order=["1", "2"],
    ),
    Case(
        "a node that wants to end the program",
        {"1": n("Fail", value=1, how="exit"), "2": n("Show", value=["1", 0])},
        error=("1", "SystemExit", "exit code 3"),
        order=["1"],
    ),
    Case(
        "a node that returns nothing",
        {"1": n("Fail", value=1, how="nothing"), "2": n("Show", value=["1", 0])},
        error=("1", "TypeError", "returned None"),
        order=["1"],
    ),
    Case(
        "a value out of range",
        {"1": n("Number", value=-101), "2": n("Show", value=["1", 0])},
        refused=[("1", "value_smaller_than_min", "value")],
    ),
    Case(
        "a missing input",
        {"1": n("Add", a=1, b=2), "2": n("Switch", which=True, no=["1", 0]), "3": n("Show", value=["2", 0])},
        refused=[("2", "required_input_missing", "yes")],
    ),
    Case(
        "types that do not match",
        {"1": n("Less", a=1, b=2), "2": n("Add", a=["1", 0], b=1), "3": n("Show", value=["2", 0])},
        refused=[("2", "return_type_mismatch", "a")],
    ),
    Case(
        "a value a node refuses",
        {"1": n("Checked", value=3), "2": n("Show", value=["1", 0])},
        refused=[("1", "custom_validation_failed", "value")],
    ),
    Case(
        "a value a node refuses, V3",
        {"1": n("V3Checked", value=3), "2": n("Show", value=["1", 0])},
        refused=[("1", "custom_validation_failed", "value")],
    ),
    Case(
        "an unknown choice",
        {"1": n("Fail", value=3, how="silently"), "2": n("Show", value=["1", 0])},
        refused=[("1", "value_not_in_list", "how")],
    ),
    Case(
        "one end is good enough",
        {**TWO_ENDS, "5": n("Number", value=5000)},
        {"4": text(7)},
        ["1", "2", "3", "4"],
        refused=[("5", "value_bigger_than_max", "value")],
    ),
    Case(
        "a cycle",
        {
            "1": n("Add", a=["2", 0], b=1),
            "2": n("Add", a=["1", 0], b=1),
            "3": n("Show", value=["2", 0]),
        },
        refused=[("2", "dependency_cycle", None)],
    ),
    Case("nothing to show", {"1": n("Number", value=1)}, refused=[("", "prompt_no_outputs", None)]),
]

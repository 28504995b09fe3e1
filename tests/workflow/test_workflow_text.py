"""Texts at queue time: dynamic prompts and fields in file names. Expected values follow the rules by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_notebook.workflow import text, to_api

NOW = datetime(2026, 3, 4, 5, 6, 7)

FIRST = [
    ("plain", "plain"),
    ("a {red|green} cat", "a red cat"),
    ("{x|{y|z}} {{p|q}|r}", "x p"),
    (r"\{keep\} {a\|b|c}", "{keep} a|b"),
    ("{single} {} {|x}", "single  "),
    ("one // two {\nthree /* {four */ five", "one \nthree  five"),
    ("open { brace | here", "open { brace | here"),
    ("close } | here", "close } | here"),
]


@pytest.mark.parametrize(("source", "expected"), FIRST)
def test_first_alternative(source: str, expected: str) -> None:
    assert text.dynamic_prompt(source, lambda _count: 0) == expected


def test_choose_gets_the_number_of_alternatives() -> None:
    asked: list[int] = []

    def last(count: int) -> int:
        asked.append(count)
        return count - 1

    assert text.dynamic_prompt("{a|b|{c|d}}", last) == "d"
    assert asked == [2, 3]


@given(st.text(alphabet="ab{}|\\/* \n", max_size=40))
def test_any_text_ends(source: str) -> None:
    text.dynamic_prompt(source, lambda count: count // 2)


def test_deep_braces_need_no_recursion() -> None:
    assert text.dynamic_prompt("{" * 20_000 + "x" + "}" * 20_000, lambda _count: 0) == "x"


FIELDS = [
    ("%date:yyyy-MM-dd hh-mm-ss%", "2026-03-04 05-06-07"),
    ("%date:yy M d h m s%", "26 3 4 5 6 7"),
    ("x_%KSampler.seed%_y", "x_8_y"),
    ("%KSampler.name%", "a_b_c"),
    ("%KSampler.nothing% %Nobody.seed% %width% 100%", "%KSampler.nothing% %Nobody.seed% %width% 100%"),
    ("%a.b.c%", "%a.b.c%"),
]


@pytest.mark.parametrize(("source", "expected"), FIELDS)
def test_fields(source: str, expected: str) -> None:
    values: dict[tuple[str, str], Any] = {("KSampler", "seed"): 8.0, ("KSampler", "name"): "a/b:c"}
    assert text.replace_fields(source, NOW, lambda node, widget: values.get((node, widget))) == expected


def test_fields_in_a_workflow() -> None:
    definitions = {
        "Save": {"input": {"required": {"filename_prefix": ["STRING", {}]}}, "output": []},
        "SaveImage": {"input": {"required": {"filename_prefix": ["STRING", {}]}}, "output": []},
        "Number": {"input": {"required": {"value": ["INT", {}], "on": ["BOOLEAN", {}]}}, "output": ["INT"]},
    }

    def node(number: int, kind: str, *values: Any, **more: Any) -> dict[str, Any]:
        return {"id": number, "type": kind, "widgets_values": list(values), **more}

    prefix = "%date:yyyy%/%Number.value%_%other.value%_%Number.on%"
    search = {"properties": {"Node name for S&R": "Number"}}
    nodes = [
        node(1, "SaveImage", prefix),
        node(2, "Save", prefix),
        node(3, "Number", 5, True, **search),
        node(4, "Number", 6, False, title="other"),
    ]
    prompt = to_api({"nodes": nodes, "links": []}, definitions.get, now=NOW).prompt
    assert prompt["1"]["inputs"]["filename_prefix"] == "2026/5_6_true"
    assert prompt["2"]["inputs"]["filename_prefix"] == prefix, "only nodes that save files have fields"


SEARCHED = {"properties": {"Node name for S&R": "EmptyImage"}}
EMPTY_IMAGE = {"input": {"required": {"width": ["INT", {"default": 4}]}}, "display_name": "Empty Image"}
SAVE = {"input": {"required": {"filename_prefix": ["STRING", {"default": ""}]}}, "output": []}
BY_NAME: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("class type", [{}], "%EmptyImage.width%/a%no.such%", "8/a%no.such%"),
    ("display name", [{}], "%Empty Image.width%", "8"),
    ("a title comes first", [{}, {"title": "EmptyImage"}], "%EmptyImage.width%", "9"),
    ("the search name comes before it", [{"title": "EmptyImage"}, SEARCHED], "%EmptyImage.width%", "9"),
    ("no display name under a title", [{"title": "Big"}], "%Empty Image.width%", "%Empty Image.width%"),
]


@pytest.mark.parametrize(("nodes", "text", "expected"), [c[1:] for c in BY_NAME], ids=[c[0] for c in BY_NAME])
def test_nodes_without_names_answer_to_their_class(nodes: list[dict[str, Any]], text: str, expected: str) -> None:
    made = [
        {"id": 2 + place, "type": "EmptyImage", "widgets_values": [8 + place], **more}
        for place, more in enumerate(nodes)
    ]
    document = {"nodes": [{"id": 1, "type": "SaveImage", "widgets_values": [text]}, *made], "links": []}
    prompt = to_api(document, {"EmptyImage": EMPTY_IMAGE, "SaveImage": SAVE}.get).prompt
    assert prompt["1"]["inputs"]["filename_prefix"] == expected

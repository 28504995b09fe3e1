"""Document patches: the fixtures shared with the TypeScript side, refusals, and the round trip for any documents."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_notebook.workflow import patch as patches
from comfy_notebook.workflow.errors import WorkflowError

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASES = json.loads((FIXTURES / "patches.json").read_text("utf-8"))
REJECTED = json.loads((FIXTURES / "patches_rejected.json").read_text("utf-8"))


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_shared_cases(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case["before"])
    assert text(patches.apply(before, case["patch"])) == text(case["after"])
    assert before == case["before"], "apply must not change its input"
    found = patches.diff(case["before"], case["after"])
    assert text(patches.apply(case["before"], found)) == text(case["after"])


def test_diff_is_small() -> None:
    case = next(case for case in CASES if case["name"] == "a node moves: replaced in place")
    assert patches.diff(case["before"], case["after"]) == case["patch"]
    assert patches.diff(case["before"], case["before"]) == {}


@pytest.mark.parametrize("case", REJECTED, ids=[case["name"] for case in REJECTED])
def test_malformed_patches_are_refused_whole(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case["before"])
    with pytest.raises(WorkflowError):
        patches.apply(before, case["patch"])
    assert before == case["before"]


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, width=16) | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)
ids = st.integers(1, 6) | st.sampled_from(["a", "b", "1"])
fields = st.dictionaries(st.sampled_from(["type", "pos", "mode"]), values, max_size=2)
node = st.builds(lambda i, extra: {**extra, "id": i}, ids, fields)
link = st.builds(lambda i, rest: [i, *rest], ids, st.lists(scalars, max_size=3))
documents = st.fixed_dictionaries(
    {},
    optional={
        "nodes": st.lists(node, max_size=5) | values,
        "links": st.lists(link, max_size=5) | values,
        "extra": values,
        "groups": values,
    },
)


@settings(max_examples=300, deadline=None)
@given(documents, documents)
def test_apply_of_diff_gives_the_other_document(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = json.loads(json.dumps(patches.diff(before, after)))
    assert text(patches.apply(before, found)) == text(after)

"""Whatever JSON comes in: a prompt runs or is refused with the error JSON; nothing else happens."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_notebook.engine import PromptRejected
from comfy_notebook.protocol.object_info import jsonable

from . import sample_nodes
from .conftest import make_door

IDS = st.sampled_from(["1", "2", "3", "4", ""])
SLOW = {"Slow", "AsyncForever", "Repeat", "Range", "ExpandWith"}
NAMES = ["a", "b", "c", "value", "count", "which", "on_true", "on_false", "message", "old", "new", "flag", "kind", "me"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
LINK = st.tuples(IDS, st.one_of(st.integers(-1, 2), st.floats(), st.booleans(), st.text(max_size=1))).map(list)
NODE = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(sorted(set(sample_nodes.ALL) - SLOW)),
        "inputs": st.dictionaries(st.sampled_from(NAMES), LINK | LINK | JSON | st.integers(0, 3), max_size=5),
    }
)
PROMPT = st.dictionaries(IDS, NODE | NODE | NODE | JSON, max_size=5)


def test_any_json() -> None:
    door = make_door()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(PROMPT | JSON)
    def check(prompt: Any) -> None:
        door.engine.signatures(prompt) if acceptable(prompt) else None
        try:
            submission = door.engine.submit(prompt, client_id="client")
        except PromptRejected as refusal:
            check_refusal(refusal)
            return
        entry = door.engine.wait(submission.prompt_id, 20)
        assert entry["status"]["status_str"] in ("success", "error")
        if not entry["status"]["completed"]:
            assert entry["status"]["messages"][-1][0] == "execution_error"

    try:
        check()
    finally:
        door.engine.shutdown()


def check_refusal(refusal: PromptRejected) -> None:
    json.dumps(jsonable([refusal.error, refusal.node_errors]))
    assert set(refusal.error) == {"type", "message", "details", "extra_info"}
    assert isinstance(str(refusal), str)


def acceptable(prompt: Any) -> bool:
    if not isinstance(prompt, dict):
        return False
    return all(isinstance(node, dict) and isinstance(node.get("inputs", {}), dict) for node in prompt.values())

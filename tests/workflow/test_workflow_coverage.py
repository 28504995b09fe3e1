"""Which workflows run, and what to add next."""

from __future__ import annotations

from typing import Any

from comfy_notebook.workflow.coverage import coverage


def workflow(*kinds: str) -> dict[str, Any]:
    return {"nodes": [{"id": number, "type": kind} for number, kind in enumerate(kinds)], "links": []}


def test_coverage() -> None:
    found = coverage(
        [
            ("runs", workflow("A", "Note", "Reroute")),
            ("one", workflow("A", "X")),
            ("two", workflow("X", "Y", "X")),
            ("three", workflow("Y", "Z")),
            ("other", workflow("Z", "W")),
            ("broken", "{"),
        ],
        lambda kind: {"input": {}} if kind == "A" else None,
    )
    assert found.runnable == ["runs"]
    assert found.lacking["two"] == ["X", "Y"]
    assert list(found.unreadable) == ["broken"]
    assert dict(found.wanted) == {"X": 2, "Y": 2, "Z": 2, "W": 1}
    assert found.best_next(10) == [("X", 2), ("Y", 3), ("Z", 4), ("W", 5)]
    assert found.best_next(1) == [("X", 2)]

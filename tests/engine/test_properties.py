"""Random graphs: the engine gives what a naive recursive evaluation gives, fresh or cached, whatever the mode."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_notebook.engine import ResultCache

from .conftest import make_door, node
from .sample_nodes import Combine

Graph = list[tuple[Any, ...]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Rows of ``(a, b, c, is list source)``: an int is a constant, a pair is a link to an earlier row."""
    rows: Graph = []
    for index in range(draw(st.integers(1, 12))):
        earlier = st.tuples(st.integers(0, index - 1), st.integers(0, 1)) if index else st.nothing()
        value = st.one_of(st.integers(0, 3), earlier)
        rows.append((draw(value), draw(value), draw(st.one_of(st.none(), value))))
    return rows


def as_prompt(rows: Graph, prefix: str) -> dict[str, Any]:
    def given_as(value: Any) -> Any:
        return [f"{prefix}{value[0]}", value[1]] if isinstance(value, tuple) else value

    prompt = {}
    for index, (a, b, c) in enumerate(rows):
        inputs = {"a": given_as(a), "b": given_as(b)} | ({} if c is None else {"c": given_as(c)})
        prompt[f"{prefix}{index}"] = node("Combine", **inputs)
    ends = {f"v{index}": [f"{prefix}{index}", index % 2] for index in range(len(rows))}
    prompt["sum"] = node("Sum", **ends)
    return prompt


def evaluated(rows: Graph) -> int:
    def value_of(value: Any) -> int:
        return row_of(value[0])[value[1]] if isinstance(value, tuple) else value

    def row_of(index: int) -> tuple[int, int]:
        a, b, c = rows[index]
        given = {} if c is None else {"c": value_of(c)}
        return Combine().go(value_of(a), value_of(b), **given)  # type: ignore[no-any-return]

    return sum(row_of(index)[index % 2] for index in range(len(rows)))


@pytest.mark.parametrize("mode", ["ram", "classic", "none"])
def test_random_graphs(mode: str) -> None:
    door = make_door(ResultCache(mode))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graphs())
    def check(rows: Graph) -> None:
        expected = [evaluated(rows)]
        for prefix in ("n", "n", "m"):  # fresh or shared with earlier graphs, cached, other ids
            assert door.run(as_prompt(rows, prefix))["outputs"]["sum"]["sum"] == expected

    try:
        check()
    finally:
        door.engine.shutdown()


def test_random_graphs_keep_their_results_when_one_constant_changes() -> None:
    door, fresh = make_door(), make_door(ResultCache("none"))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graphs(), st.integers(0, 11), st.integers(0, 3))
    def check(rows: Graph, at: int, value: int) -> None:
        door.run(as_prompt(rows, "n"))
        a, _, c = rows[at % len(rows)]
        changed = [*rows]
        changed[at % len(rows)] = (a, value, c)
        prompt = as_prompt(changed, "n")
        assert door.run(prompt)["outputs"] == fresh.run(prompt)["outputs"]

    try:
        check()
    finally:
        door.engine.shutdown()
        fresh.engine.shutdown()

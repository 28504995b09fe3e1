"""``comfy_execution.utils``: which node runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from ...protocol.context import context, current


class ExecutionContext(NamedTuple):
    """The node that runs: ``list_index`` counts its calls where it is called for each element of a list."""

    prompt_id: str
    node_id: str
    list_index: int | None


def get_executing_context() -> ExecutionContext | None:
    """The node that runs in this thread or task; None outside a run."""
    running = context()
    if running.prompt_id is None or running.node_id is None:
        return None
    return ExecutionContext(running.prompt_id, running.node_id, running.list_index)


@contextmanager
def CurrentNodeContext(prompt_id: str, node_id: str, list_index: int | None = None) -> Iterator[None]:
    """Code inside is taken for that of this node: its progress goes there."""
    token = current.set(replace(context(), prompt_id=prompt_id, node_id=node_id, list_index=list_index))
    try:
        yield
    finally:
        current.reset(token)

"""``comfy_execution.utils``: which node runs now."""

from __future__ import annotations

from ...protocol.context import NodeContext, context

ExecutionContext = NodeContext


def get_executing_context() -> NodeContext | None:
    """``prompt_id``, ``node_id`` and ``list_index`` of the node that runs in this thread or task; None outside one."""
    now = context()
    return now if now.node_id is not None else None


__all__ = ["ExecutionContext", "get_executing_context"]

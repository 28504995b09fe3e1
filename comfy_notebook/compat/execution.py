"""``execution``: the queue and the errors, for packs that look at them."""

from __future__ import annotations

from typing import Any

from ..protocol.blocking import ExecutionBlocker
from ..protocol.context import InterruptProcessingException
from . import nodes
from .errors import not_supported
from .prompt_queue import PromptQueue

MAXIMUM_HISTORY_SIZE = 10000


class PromptExecutor:
    """Prompts run on the engine; this class is here for packs that extend the reference's."""

    def __init__(self, server: Any = None, *arguments: Any, **named: Any) -> None:
        self.server = server

    def handle_execution_error(self, *arguments: Any, **named: Any) -> None:
        """Errors of nodes reach clients without it."""

    def execute(self, *arguments: Any, **named: Any) -> Any:
        raise not_supported("execution.PromptExecutor.execute")


async def validate_prompt(prompt_id: str, prompt: Any, partial_execution_list: Any = None) -> tuple[Any, ...]:
    """``(valid, error, output nodes, node_errors)``."""
    from .. import session
    from ..engine.validation import PromptRejected, checked_copy, validate

    try:
        found = validate(checked_copy(prompt), session.current().registry, partial_execution_list)
    except PromptRejected as refused:
        return False, refused.error, [], refused.node_errors
    return True, None, list(found.roots), found.node_errors


def full_type_name(klass: type) -> str:
    """A class's name with its module, but for builtins."""
    module = klass.__module__
    return klass.__qualname__ if module == "builtins" else f"{module}.{klass.__qualname__}"


__all__ = [
    "ExecutionBlocker",
    "InterruptProcessingException",
    "PromptExecutor",
    "PromptQueue",
    "full_type_name",
    "nodes",
    "validate_prompt",
]

"""``comfy_execution.graph``."""

from __future__ import annotations

from typing import Any

from ...engine.failure import NodeInputError
from ...engine.plan import DependencyCycleError
from ...engine.prompt import DynamicPrompt, NodeNotFoundError
from ...protocol.blocking import ExecutionBlocker
from ...protocol.expansion import is_link
from .. import nodes


def get_input_info(
    class_def: Any, input_name: str, valid_inputs: Any = None
) -> tuple[Any, str, Any] | tuple[None, None, None]:
    """``(type, category, options)`` of a declared input; three times None for another."""
    declared = class_def.INPUT_TYPES() if valid_inputs is None else valid_inputs
    for category in ("required", "optional", "hidden"):
        inputs = declared.get(category)
        if inputs is not None and input_name in inputs:
            spec = inputs[input_name]
            return spec[0], category, spec[1] if len(spec) > 1 else {}
    return None, None, None


__all__ = [
    "DependencyCycleError",
    "DynamicPrompt",
    "ExecutionBlocker",
    "NodeInputError",
    "NodeNotFoundError",
    "get_input_info",
    "is_link",
    "nodes",
]

"""Keys of a prompt that does not run: what "stale" is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol.context import NodeContext
from ..protocol.registry import Registry
from .inputs import DeclaredInputs
from .node_call import Caller
from .prompt import DynamicPrompt, own_copy
from .run_graph import ask_is_changed
from .signature import Key, Signatures


def signatures(prompt: Mapping[str, Any], registry: Registry) -> dict[str, Key]:
    """A key per node; equal keys mean the same code, constants, files and ancestors, whatever the ids.

    A node that wants to run every time (``IS_CHANGED`` NaN) has a stable key here: it is not stale for that.
    """
    dynamic = DynamicPrompt(own_copy(prompt))
    caller = Caller("", _NoRun())
    declared_by_class: dict[str, DeclaredInputs] = {}

    def declared(class_type: str) -> DeclaredInputs:
        if class_type not in declared_by_class:
            definition = registry.get(class_type)
            if definition is None:
                raise KeyError(class_type)
            declared_by_class[class_type] = DeclaredInputs(definition)
        return declared_by_class[class_type]

    def is_changed(node_id: str) -> Any:
        node = dynamic.get_node(node_id)
        of_class = declared(node["class_type"])
        if not hasattr(of_class.definition.node_class, "IS_CHANGED"):
            return False
        return _comparable(ask_is_changed(node_id, node["inputs"], of_class, caller))

    keys = Signatures(dynamic, declared, is_changed)
    try:
        return {node_id: keys.key_of(node_id) for node_id in dynamic.original_prompt}
    finally:
        caller.close()


class _NoRun:
    """The sink of calls made outside any run."""

    def progress(self, context: NodeContext, value: float, maximum: float, preview: Any | None) -> None:
        return

    def text(self, context: NodeContext, text: str) -> None:
        return

    def image(self, context: NodeContext, image: Any) -> None:
        return

    def interrupted(self, prompt_id: str | None) -> bool:
        return False

    def wants_previews(self, context: NodeContext) -> bool:
        return False


def _comparable(answer: Any) -> Any:
    """NaN by a word, so that it equals itself."""
    if isinstance(answer, float):
        return answer if answer == answer else "NaN"  # noqa: PLR0124
    if isinstance(answer, (list, tuple)):
        return [_comparable(item) for item in answer]
    return answer

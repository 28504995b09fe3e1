"""Choosing, collecting and looking at values of any type."""

from __future__ import annotations

import json
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from .autogrow import by_number, growing, members, numbered


class ComfySwitchNode:
    RETURN_TYPES = ("*",)
    RETURN_NAMES = ("output",)
    FUNCTION = "execute"
    CATEGORY = "logic"
    DESCRIPTION = (
        "Lets one of two inputs through: on_true when the switch is on, on_false when it is off. Only the nodes that "
        "lead to that input run. If nothing is connected to it, the nodes after the switch are skipped."
    )
    SEARCH_ALIASES = ["if else", "branch", "choose", "select", "toggle", "lazy"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"switch": ("BOOLEAN", {})},
            "optional": {"on_false": ("*", {"lazy": True}), "on_true": ("*", {"lazy": True})},
        }

    def check_lazy_status(self, switch: bool, **branches: Any) -> list[str]:
        chosen = _branch(switch)
        return [chosen] if chosen in branches and branches[chosen] is None else []

    def execute(self, switch: bool, **branches: Any) -> tuple[Any]:
        return (branches.get(_branch(switch), ExecutionBlocker()),)


def _branch(switch: bool) -> str:
    return "on_true" if switch else "on_false"


class PreviewAny:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils"
    OUTPUT_NODE = True
    DESCRIPTION = "Shows what it receives as text on the node and hands that text on."
    SEARCH_ALIASES = ["show value", "print", "inspect", "debug", "text", "log"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"source": ("*", {})}}

    @classmethod
    def VALIDATE_INPUTS(cls, input_types: Any) -> bool:
        return True

    def execute(self, source: Any = None) -> dict[str, Any]:
        text = as_text(source)
        return {"ui": {"text": (text,)}, "result": (text,)}


def as_text(value: Any) -> str:
    """A text as it is, numbers and booleans as Python writes them, the rest as JSON where that is possible."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    try:
        return json.dumps(value, indent=4, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)


class CreateList:
    RETURN_TYPES = ("*",)
    RETURN_NAMES = ("list",)
    OUTPUT_IS_LIST = (True,)
    INPUT_IS_LIST = True
    FUNCTION = "execute"
    CATEGORY = "logic"
    DESCRIPTION = (
        "Collects its inputs into one list, in their order; a list among them adds each of its items. Nodes that "
        "follow run once for each item."
    )
    SEARCH_ALIASES = ["collect", "make list", "gather", "loop", "for each"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"inputs": growing("*", numbered("input", 100))}}

    def execute(self, **inputs: list[Any]) -> tuple[list[Any]]:
        return ([item for items in by_number(members("inputs", inputs)) for item in items],)


class GetItemFromList:
    RETURN_TYPES = ("*",)
    INPUT_IS_LIST = True
    FUNCTION = "execute"
    CATEGORY = "logic"
    DESCRIPTION = "Picks one item of a list. 0 is the first; -1 counts from the end."
    SEARCH_ALIASES = ["pick", "index", "element", "nth"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"list": ("*", {}), "index": ("INT", {"default": 0, "min": -(2**31), "max": 2**31})}}

    def execute(self, list: list[Any], index: list[int]) -> tuple[Any]:
        try:
            return (list[index[0]],)
        except IndexError:
            held = "1 item" if len(list) == 1 else f"{len(list)} items"
            raise IndexError(f"There is no item {index[0]}: the list has {held}, counted from 0.") from None


NODES: dict[str, tuple[type, str]] = {
    "ComfySwitchNode": (ComfySwitchNode, "Switch"),
    "PreviewAny": (PreviewAny, "Preview Any"),
    "CreateList": (CreateList, "Create List"),
    "GetItemFromList": (GetItemFromList, "Get Item From List"),
}

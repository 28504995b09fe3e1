"""Single values as nodes: numbers, booleans, texts, a seed, a choice."""

from __future__ import annotations

from typing import Any

from . import inputs

LARGEST = 2**63 - 1


class PrimitiveInt:
    RETURN_TYPES = ("INT",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    DESCRIPTION = "A whole number for other nodes to share."
    SEARCH_ALIASES = ["integer", "number", "constant"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("INT", {"min": -LARGEST, "max": LARGEST, "control_after_generate": True})}}

    def execute(self, value: int) -> tuple[int]:
        return (value,)


class PrimitiveFloat:
    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    DESCRIPTION = "A number for other nodes to share."
    SEARCH_ALIASES = ["decimal", "number", "constant"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("FLOAT", {"min": -LARGEST, "max": LARGEST})}}

    def execute(self, value: float) -> tuple[float]:
        return (value,)


class PrimitiveBoolean:
    RETURN_TYPES = ("BOOLEAN",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    DESCRIPTION = "Yes or no, for other nodes to share."
    SEARCH_ALIASES = ["bool", "toggle", "true", "false", "constant"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("BOOLEAN", {})}}

    def execute(self, value: bool) -> tuple[bool]:
        return (value,)


class PrimitiveString:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    DESCRIPTION = "A line of text for other nodes to share."
    SEARCH_ALIASES = ["text", "constant"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("STRING", {"multiline": False})}}

    def execute(self, value: str) -> tuple[str]:
        return (value,)


class PrimitiveStringMultiline(PrimitiveString):
    DESCRIPTION = "A text of any length for other nodes to share."
    SEARCH_ALIASES = ["text", "prompt", "paragraph", "constant"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("STRING", {"multiline": True})}}


class SeedNode:
    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("seed",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    DESCRIPTION = "A seed that several nodes can share; it may change from run to run."
    SEARCH_ALIASES = ["random", "noise", "shared seed"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        tip = "Connect it to every node that should use the same seed."
        return {"required": {"seed": inputs.integer(0, 0, LARGEST, tooltip=tip, control_after_generate=True)}}

    def execute(self, seed: int) -> tuple[int]:
        return (seed,)


_OPTIONS = {f"option{number}": inputs.text("") for number in range(1, 1001)}


def _index() -> inputs.Spec:
    return inputs.integer(0, 0, LARGEST, tooltip="The position to report for a choice that is not among the texts.")


class CustomCombo:
    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("STRING", "INDEX")
    FUNCTION = "execute"
    CATEGORY = "utils"
    EXPERIMENTAL = True
    DESCRIPTION = (
        "A choice among texts that this workflow keeps, and the position of the chosen one, counted from 0. A choice "
        "that is none of them goes through as it is, with index as its position."
    )
    SEARCH_ALIASES = ["dropdown", "menu", "select", "options"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"choice": inputs.combo([], "One of the texts of this node.", options_prefix="option")},
            "optional": inputs.OpenInputs({"index": _index()}, _OPTIONS),
        }

    @classmethod
    def VALIDATE_INPUTS(cls, choice: Any, input_types: Any) -> bool:
        return True

    def execute(self, choice: str, index: int = 0, **options: Any) -> tuple[str, int]:
        listed = [options[name] for name in _OPTIONS if name in options]
        return (choice, listed.index(choice) if choice in listed else index)


NODES: dict[str, tuple[type, str]] = {
    "PrimitiveInt": (PrimitiveInt, "Int"),
    "PrimitiveFloat": (PrimitiveFloat, "Float"),
    "PrimitiveBoolean": (PrimitiveBoolean, "Boolean"),
    "PrimitiveString": (PrimitiveString, "String"),
    "PrimitiveStringMultiline": (PrimitiveStringMultiline, "String (Multiline)"),
    "SeedNode": (SeedNode, "Seed"),
    "CustomCombo": (CustomCombo, "Custom Combo"),
}

"""Single values as nodes: numbers, booleans, texts, a seed, a choice."""

from __future__ import annotations

from typing import Any

from . import inputs

LARGEST = 2**63 - 1


class PrimitiveInt:
    """An integer, passed on as it is."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("INT", {"min": -LARGEST, "max": LARGEST, "control_after_generate": True})}}

    def execute(self, value: int) -> tuple[int]:
        return (value,)


class PrimitiveFloat:
    """A number, passed on as it is."""

    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("FLOAT", {"min": -LARGEST, "max": LARGEST})}}

    def execute(self, value: float) -> tuple[float]:
        return (value,)


class PrimitiveBoolean:
    """True or false, passed on as it is."""

    RETURN_TYPES = ("BOOLEAN",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("BOOLEAN", {})}}

    def execute(self, value: bool) -> tuple[bool]:
        return (value,)


class PrimitiveString:
    """One line of text, passed on as it is."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("STRING", {"multiline": False})}}

    def execute(self, value: str) -> tuple[str]:
        return (value,)


class PrimitiveStringMultiline(PrimitiveString):
    """A text of several lines, passed on as it is."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("STRING", {"multiline": True})}}


class SeedNode:
    """One seed for several nodes."""

    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("seed",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    SEARCH_ALIASES = ["seed", "random seed", "noise seed"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"seed": ("INT", {"default": 0, "min": 0, "max": LARGEST, "control_after_generate": True})}}

    def execute(self, seed: int) -> tuple[int]:
        return (seed,)


_OPTIONS = {f"option{number}": inputs.text("") for number in range(1, 1001)}


class CustomCombo:
    """A choice among texts that are kept in the workflow, and its position among them, counted from 0.

    A choice that is none of them is passed on too, with ``index`` as its position.
    """

    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("STRING", "INDEX")
    FUNCTION = "execute"
    CATEGORY = "utils"
    EXPERIMENTAL = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"choice": ("COMBO", {"options": [], "options_prefix": "option"})},
            "optional": inputs.OpenInputs({"index": inputs.integer(0, 0, LARGEST)}, _OPTIONS),
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

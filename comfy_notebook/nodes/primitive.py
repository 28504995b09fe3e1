"""Single values as nodes: numbers, booleans, texts, a seed, a choice."""

from __future__ import annotations

from typing import Any

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


class CustomCombo:
    """A choice among options that the workflow itself brings along; any text is a valid choice.

    ``index`` is the position of the choice as the editor knows it. Where the options come along (``option1`` …) and the
    choice is one of them, its position there counts.
    """

    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("STRING", "INDEX")
    FUNCTION = "execute"
    CATEGORY = "utils"
    EXPERIMENTAL = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"choice": ("COMBO", {"options": []})},
            "optional": {"index": ("INT", {"default": 0, "min": 0, "max": LARGEST})},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, choice: Any, index: Any = 0) -> bool:
        return True

    def execute(self, choice: str, index: int = 0, **options: Any) -> tuple[str, int]:
        listed = [value for name, value in sorted(options.items(), key=_option_number) if name.startswith("option")]
        return (choice, listed.index(choice) if choice in listed else index)


def _option_number(option: tuple[str, Any]) -> int:
    digits = option[0].removeprefix("option")
    return int(digits) if digits.isdigit() else 0


NODES: dict[str, tuple[type, str]] = {
    "PrimitiveInt": (PrimitiveInt, "Int"),
    "PrimitiveFloat": (PrimitiveFloat, "Float"),
    "PrimitiveBoolean": (PrimitiveBoolean, "Boolean"),
    "PrimitiveString": (PrimitiveString, "String"),
    "PrimitiveStringMultiline": (PrimitiveStringMultiline, "String (Multiline)"),
    "SeedNode": (SeedNode, "Seed"),
    "CustomCombo": (CustomCombo, "Custom Combo"),
}

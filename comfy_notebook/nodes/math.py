"""Numbers from numbers: expressions, conversions, resolutions, colours."""

from __future__ import annotations

import math
import string
from typing import Any

from .autogrow import GrowingInputs, members

RATIOS = {
    "1:1 (Square)": (1, 1),
    "2:3 (Portrait Photo)": (2, 3),
    "3:2 (Photo)": (3, 2),
    "3:4 (Portrait Standard)": (3, 4),
    "4:3 (Standard)": (4, 3),
    "9:16 (Portrait Widescreen)": (9, 16),
    "16:9 (Widescreen)": (16, 9),
    "21:9 (Ultrawide)": (21, 9),
}


class ComfyMathExpression:
    """Evaluates arithmetic over the connected values ``a``, ``b``, ``c`` … and ``values``, the list of them all.

    Returns the result as FLOAT, as INT (the decimal part cut off) and as BOOLEAN (not zero).
    """

    RETURN_TYPES = ("FLOAT", "INT", "BOOLEAN")
    RETURN_NAMES = ("FLOAT", "INT", "BOOL")
    FUNCTION = "execute"
    CATEGORY = "math"
    SEARCH_ALIASES = ["math", "calculate", "formula", "expression"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"expression": ("STRING", {"default": "a + b", "multiline": True})},
            "optional": GrowingInputs("values", "FLOAT,INT,BOOLEAN", string.ascii_lowercase),
        }

    def execute(self, expression: str, **values: Any) -> tuple[float, int, bool]:
        from .ops.expression import ExpressionError, evaluate

        given = dict(sorted(members("values", values).items()))
        result = evaluate(expression, {**given, "values": list(given.values())})
        try:
            as_float = float(result)
        except OverflowError:
            as_float = math.inf
        if not math.isfinite(as_float):
            raise ExpressionError(f"The result of '{expression}' is not a finite number.")
        return (as_float, int(result), bool(result))


class ComfyNumberConvert:
    """A number, boolean or text as FLOAT and as INT (the decimal part cut off)."""

    RETURN_TYPES = ("FLOAT", "INT")
    FUNCTION = "execute"
    CATEGORY = "math"
    SEARCH_ALIASES = ["int to float", "float to int", "parse number", "string to number"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("INT,FLOAT,STRING,BOOLEAN", {"forceInput": True})}}

    def execute(self, value: float | str | bool) -> tuple[float, int]:
        if isinstance(value, str):
            value = _parsed(value)
        as_float = float(value)
        if not math.isfinite(as_float):
            raise ValueError(f"{value!r} is not a finite number.")
        return (as_float, int(value))


def _parsed(text: str) -> int | float:
    for read in (int, float):
        try:
            return read(text.strip())
        except ValueError:
            continue
    raise ValueError(f"{text[:80]!r} is not a number." if text.strip() else "The text is empty, so it is no number.")


class ResolutionSelector:
    """Width and height in pixels for an aspect ratio and a size in megapixels (1 MP = 1024 × 1024)."""

    RETURN_TYPES = ("INT", "INT")
    RETURN_NAMES = ("width", "height")
    FUNCTION = "execute"
    CATEGORY = "utils"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "aspect_ratio": ("COMBO", {"default": "1:1 (Square)", "options": list(RATIOS)}),
                "megapixels": ("FLOAT", {"default": 1.0, "min": 0.1, "max": 16.0, "step": 0.1}),
            },
            "optional": {"multiple": ("INT", {"default": 8, "min": 8, "max": 128, "step": 4})},
        }

    def execute(self, aspect_ratio: str, megapixels: float, multiple: int = 8) -> tuple[int, int]:
        if aspect_ratio not in RATIOS:
            raise ValueError(f"'{aspect_ratio}' is not an aspect ratio of this node. There are: {', '.join(RATIOS)}.")
        across, down = RATIOS[aspect_ratio]
        unit = math.sqrt(megapixels * 1024 * 1024 / (across * down))
        width, height = (max(1, round(side * unit / multiple)) * multiple for side in (across, down))
        return (width, height)


class ColorToRGBInt:
    """A colour like ``#0a9299`` as one number (red · 65536 + green · 256 + blue), as ``#rrggbb``, and its opacity."""

    RETURN_TYPES = ("INT", "COLOR", "FLOAT")
    RETURN_NAMES = ("rgb_int", "hex", "alpha")
    FUNCTION = "execute"
    CATEGORY = "utils/color"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"color": ("COLOR", {"default": "#ffffff"})}}

    def execute(self, color: str) -> tuple[int, str, float]:
        digits = color.strip().removeprefix("#")
        if len(digits) in (3, 4):
            digits = "".join(digit * 2 for digit in digits)
        if len(digits) not in (6, 8) or any(digit not in string.hexdigits for digit in digits):
            raise ValueError(f"'{color}' is not a colour. Write it as #rrggbb or #rrggbbaa, for example #0a9299.")
        alpha = int(digits[6:], 16) / 255 if len(digits) == 8 else 1.0
        return (int(digits[:6], 16), "#" + digits[:6].lower(), alpha)


NODES: dict[str, tuple[type, str]] = {
    "ComfyMathExpression": (ComfyMathExpression, "Math Expression"),
    "ComfyNumberConvert": (ComfyNumberConvert, "Number Convert"),
    "ResolutionSelector": (ResolutionSelector, "Resolution Selector"),
    "ColorToRGBInt": (ColorToRGBInt, "Color to RGB Int"),
}

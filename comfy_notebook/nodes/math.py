"""Numbers from numbers: expressions, conversions, resolutions, colours."""

from __future__ import annotations

import math
import string
from typing import Any

from . import colour_text
from .autogrow import growing, members

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
    RETURN_TYPES = ("FLOAT", "INT", "BOOLEAN")
    RETURN_NAMES = ("FLOAT", "INT", "BOOL")
    FUNCTION = "execute"
    CATEGORY = "math"
    DESCRIPTION = (
        "Calculates with the connected values: a, b, c … or values for the list of them. Gives the result as FLOAT, "
        "as INT without its decimals, and as BOOL (false for 0)."
    )
    SEARCH_ALIASES = ["formula", "calculator", "arithmetic", "add", "multiply", "divide"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "expression": ("STRING", {"default": "a + b", "multiline": True}),
                "values": growing("FLOAT,INT,BOOLEAN", string.ascii_lowercase),
            }
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
    RETURN_TYPES = ("FLOAT", "INT")
    FUNCTION = "execute"
    CATEGORY = "math"
    DESCRIPTION = (
        "Turns a number, yes or no, or a text that holds a number into FLOAT and into INT without its decimals."
    )
    SEARCH_ALIASES = ["parse", "cast", "to int", "to float"]

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
    RETURN_TYPES = ("INT", "INT")
    RETURN_NAMES = ("width", "height")
    FUNCTION = "execute"
    CATEGORY = "utils"
    DESCRIPTION = (
        "Finds the width and height for a shape and a pixel count; both become multiples of the given number. One "
        "megapixel is 1024 x 1024."
    )
    SEARCH_ALIASES = ["aspect ratio", "image size", "width", "height", "megapixels"]

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
    RETURN_TYPES = ("INT", "COLOR", "FLOAT")
    RETURN_NAMES = ("rgb_int", "hex", "alpha")
    FUNCTION = "execute"
    CATEGORY = "utils/color"
    DESCRIPTION = (
        "Takes a colour apart: one number (red x 65536 + green x 256 + blue), its text #rrggbb, and how opaque it is "
        "from 0 to 1."
    )
    SEARCH_ALIASES = ["hex", "rgb", "alpha", "colour"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"color": ("COLOR", {"default": "#ffffff"})}}

    def execute(self, color: str) -> tuple[int, str, float]:
        red, green, blue, opacity = colour_text.parse(color)
        number = red << 16 | green << 8 | blue
        return (number, f"#{number:06x}", opacity / 255)


NODES: dict[str, tuple[type, str]] = {
    "ComfyMathExpression": (ComfyMathExpression, "Math Expression"),
    "ComfyNumberConvert": (ComfyNumberConvert, "Number Convert"),
    "ResolutionSelector": (ResolutionSelector, "Resolution Selector"),
    "ColorToRGBInt": (ColorToRGBInt, "Color to RGB Int"),
}

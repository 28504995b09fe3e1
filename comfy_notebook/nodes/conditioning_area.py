"""Where and when a conditioning holds: areas, masks, parts of the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs
from .conditioning_values import Conditioning, with_values

if TYPE_CHECKING:
    from torch import Tensor

_STRENGTH_TIP = "How much it counts against other conditionings there."


def _share(default: float, tooltip: str) -> inputs.Spec:
    return inputs.number(default, 0, 1.0, 0.01, tooltip)


class _Appending:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "conditioning"


class ConditioningSetArea(_Appending):
    DESCRIPTION = "Limits a conditioning to a rectangle of the picture."
    SEARCH_ALIASES = ["region", "regional prompt", "rectangle", "box", "position"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "What holds there."),
                "width": inputs.pixels(64, 64, 8, "Width in pixels of the picture."),
                "height": inputs.pixels(64, 64, 8, "Height in pixels of the picture."),
                "x": inputs.pixels(0, 0, 8, "Left edge in pixels of the picture."),
                "y": inputs.pixels(0, 0, 8, "Upper edge in pixels of the picture."),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.01, _STRENGTH_TIP),
            }
        }

    def append(
        self, conditioning: Conditioning, width: int, height: int, x: int, y: int, strength: float
    ) -> tuple[Conditioning]:
        area = (height // 8, width // 8, y // 8, x // 8)
        return (with_values(conditioning, {"area": area, "strength": strength, "set_area_to_bounds": False}),)


class ConditioningSetAreaPercentage(_Appending):
    DESCRIPTION = "Limits a conditioning to a rectangle given in shares of the picture."
    SEARCH_ALIASES = ["region", "regional prompt", "relative", "box", "position"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "What holds there."),
                "width": _share(1.0, "Share of the width."),
                "height": _share(1.0, "Share of the height."),
                "x": _share(0, "Left edge, as a share of the width."),
                "y": _share(0, "Upper edge, as a share of the height."),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.01, _STRENGTH_TIP),
            }
        }

    def append(
        self, conditioning: Conditioning, width: float, height: float, x: float, y: float, strength: float
    ) -> tuple[Conditioning]:
        area = ("percentage", height, width, y, x)
        return (with_values(conditioning, {"area": area, "strength": strength, "set_area_to_bounds": False}),)


class ConditioningSetAreaPercentageVideo(_Appending):
    DESCRIPTION = "Limits a conditioning to a box given in shares of a video's time, height and width."
    SEARCH_ALIASES = ["region", "frames", "time", "box"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "What holds there."),
                "width": _share(1.0, "Share of the width."),
                "height": _share(1.0, "Share of the height."),
                "temporal": _share(1.0, "Share of the frames."),
                "x": _share(0, "Left edge, as a share of the width."),
                "y": _share(0, "Upper edge, as a share of the height."),
                "z": _share(0, "First frame, as a share of all."),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.01, _STRENGTH_TIP),
            }
        }

    def append(
        self,
        conditioning: Conditioning,
        width: float,
        height: float,
        temporal: float,
        x: float,
        y: float,
        z: float,
        strength: float,
    ) -> tuple[Conditioning]:
        area = ("percentage", temporal, height, width, z, y, x)
        return (with_values(conditioning, {"area": area, "strength": strength, "set_area_to_bounds": False}),)


class ConditioningSetAreaStrength(_Appending):
    DESCRIPTION = "How much a conditioning counts against others in the same place."
    SEARCH_ALIASES = ["weight", "regional prompt", "influence"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "The conditioning."),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.01, _STRENGTH_TIP),
            }
        }

    def append(self, conditioning: Conditioning, strength: float) -> tuple[Conditioning]:
        return (with_values(conditioning, {"strength": strength}),)


class ConditioningSetMask(_Appending):
    DESCRIPTION = "Limits a conditioning to what is white in a mask."
    SEARCH_ALIASES = ["region", "regional prompt", "masked prompt", "area"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        modes = ["default", "mask bounds"]
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "What holds there."),
                "mask": inputs.mask("White where it holds; grey where it counts less."),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.01, _STRENGTH_TIP),
                "set_cond_area": inputs.options(modes, "mask bounds shows the model the mask's rectangle alone."),
            }
        }

    def append(
        self, conditioning: Conditioning, mask: Tensor, set_cond_area: str, strength: float
    ) -> tuple[Conditioning]:
        values = {
            "mask": mask.unsqueeze(0) if mask.ndim < 3 else mask,
            "set_area_to_bounds": set_cond_area != "default",
            "mask_strength": strength,
        }
        return (with_values(conditioning, values),)


class ConditioningSetTimestepRange:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "set_range"
    CATEGORY = "advanced/conditioning"
    DESCRIPTION = "Limits a conditioning to a part of sampling, from 0 (start) to 1 (end)."
    SEARCH_ALIASES = ["prompt scheduling", "steps", "start end", "percent"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "What holds then."),
                "start": inputs.number(0.0, 0.0, 1.0, 0.001, "When it begins to hold."),
                "end": inputs.number(1.0, 0.0, 1.0, 0.001, "When it no longer does."),
            }
        }

    def set_range(self, conditioning: Conditioning, start: float, end: float) -> tuple[Conditioning]:
        return (with_values(conditioning, {"start_percent": start, "end_percent": end}),)


NODES: dict[str, tuple[type, str]] = {
    "ConditioningSetArea": (ConditioningSetArea, "Conditioning (Set Area)"),
    "ConditioningSetAreaPercentage": (ConditioningSetAreaPercentage, "Conditioning (Set Area with Percentage)"),
    "ConditioningSetAreaPercentageVideo": (ConditioningSetAreaPercentageVideo, "ConditioningSetAreaPercentageVideo"),
    "ConditioningSetAreaStrength": (ConditioningSetAreaStrength, "ConditioningSetAreaStrength"),
    "ConditioningSetMask": (ConditioningSetMask, "Conditioning (Set Mask)"),
    "ConditioningSetTimestepRange": (ConditioningSetTimestepRange, "ConditioningSetTimestepRange"),
}

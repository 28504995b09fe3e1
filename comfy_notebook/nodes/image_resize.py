"""One node for every way to give an image or a mask another size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import inputs
from .image_scale import METHOD_TIP

if TYPE_CHECKING:
    from torch import Tensor


def _length(tooltip: str) -> inputs.Spec:
    return inputs.integer(512, 0, 8192, tooltip=tooltip)


_CROP = inputs.combo(
    ["disabled", "center"], "center cuts the sides to keep the shape, disabled stretches.", default="center"
)

#: The ways ``ResizeImageMaskNode`` offers, each with the inputs it brings.
RESIZE_TYPES: dict[str, dict[str, inputs.Spec]] = {
    "scale dimensions": {
        "width": _length("Pixels; 0 follows from the other side."),
        "height": _length("Pixels; 0 follows from the other side."),
        "crop": _CROP,
    },
    "scale by multiplier": {"multiplier": inputs.number(1.0, 0.01, 8.0, 0.01, "Both sides are multiplied by it.")},
    "scale longer dimension": {"longer_size": _length("Pixels along the longer side.")},
    "scale shorter dimension": {"shorter_size": _length("Pixels along the shorter side.")},
    "scale width": {"width": _length("Pixels; the height keeps the shape.")},
    "scale height": {"height": _length("Pixels; the width keeps the shape.")},
    "scale total pixels": {
        "megapixels": inputs.number(1.0, 0.01, 16.0, 0.01, "Pixels in all; 1 is 1024 x 1024."),
    },
    "match size": {"match": inputs.socket("IMAGE,MASK", "The image or mask whose size is wanted."), "crop": _CROP},
    "scale to multiple": {
        "multiple": inputs.integer(8, 1, 8192, tooltip="Cuts both sides down to multiples of this."),
    },
}


class ResizeImageMaskNode:
    RETURN_TYPES = ("IMAGE,MASK",)
    RETURN_NAMES = ("resized",)
    FUNCTION = "resize"
    CATEGORY = "transform"
    DESCRIPTION = (
        "Gives images or masks a new size, found in one of nine ways: from sides, factors, pixel counts, another "
        "image or a multiple."
    )
    SEARCH_ALIASES = ["scale", "fit", "upscale", "downscale", "megapixels", "same size", "mask size"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        required = {
            "input": inputs.socket("IMAGE,MASK", "What to resize."),
            "resize_type": inputs.choice(RESIZE_TYPES, "Where the new size comes from."),
            "scale_method": inputs.combo(inputs.UPSCALE_METHODS, METHOD_TIP, default="area"),
        }
        return {"required": required}

    def resize(self, input: Tensor, resize_type: Any, scale_method: str, **children: Any) -> tuple[Tensor]:
        from .ops.resize import resize_image

        key, values = inputs.chosen("resize_type", resize_type, children)
        is_mask = input.ndim <= 3
        image = input.reshape(-1, *input.shape[-2:], 1) if is_mask else input
        width, height, crop = new_size(image, key, values)
        if (height, width) != tuple(image.shape[1:3]):
            image = resize_image(image, width, height, scale_method, crop)
        return (image.squeeze(-1) if is_mask else image,)


def new_size(image: Tensor, key: str, values: dict[str, Any]) -> tuple[int, int, str]:
    """Width, height and crop that one of :data:`RESIZE_TYPES` asks for. Raises ``ValueError`` for what is missing."""
    if key not in RESIZE_TYPES:
        raise ValueError(f"resize_type: {key!r} is unknown; choose one of {', '.join(RESIZE_TYPES)}")
    missing = [name for name in RESIZE_TYPES[key] if name != "crop" and values.get(name) is None]
    if missing:
        raise ValueError(f"resize_type {key!r} needs a value for {', '.join(missing)}")
    height, width = image.shape[1:3]
    crop = str(values.get("crop", "center"))
    if key == "match size":
        match = values["match"]
        new_height, new_width = match.shape[-2:] if match.ndim <= 3 else match.shape[1:3]
        return int(new_width), int(new_height), crop
    if key == "scale to multiple":
        multiple = int(values["multiple"])
        return _multiple(width, multiple), _multiple(height, multiple), "center"
    if key == "scale dimensions" and values["width"] and values["height"]:
        return int(values["width"]), int(values["height"]), crop
    factor = _size_factor(key, values, width, height)
    exact = {"scale width": (values.get("width"), None), "scale height": (None, values.get("height"))}.get(key)
    wide, tall = exact or (None, None)
    return int(wide or max(1, round(width * factor))), int(tall or max(1, round(height * factor))), "disabled"


def _multiple(size: int, multiple: int) -> int:
    return max(multiple, size // multiple * multiple)


def _size_factor(key: str, values: dict[str, Any], width: int, height: int) -> float:
    """What both sides are multiplied by; a length of 0 leaves the size alone."""
    if key == "scale by multiplier":
        return float(values["multiplier"])
    if key == "scale total pixels":
        return math.sqrt(float(values["megapixels"]) * 1024 * 1024 / (width * height))
    lengths = {
        "scale dimensions": (values.get("width") or values.get("height"), width if values.get("width") else height),
        "scale width": (values.get("width"), width),
        "scale height": (values.get("height"), height),
        "scale longer dimension": (values.get("longer_size"), max(width, height)),
        "scale shorter dimension": (values.get("shorter_size"), min(width, height)),
    }
    wanted, present = lengths[key]
    return float(wanted) / present if wanted else 1.0


NODES: dict[str, tuple[type, str]] = {"ResizeImageMaskNode": (ResizeImageMaskNode, "Resize Image/Mask")}

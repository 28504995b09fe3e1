"""Scaling images (and masks) to a size, by a factor, to a pixel count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

_METHOD_TIP = (
    "How new pixels are computed: area to shrink, lanczos or bicubic to enlarge, nearest-exact to keep hard edges."
)


class ImageScale:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Scales images to a width and height. A side set to 0 follows from the other one."
    SEARCH_ALIASES = ["resize", "scale", "upscale", "downscale", "enlarge", "shrink", "image size"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to scale."),
                "upscale_method": inputs.options(inputs.UPSCALE_METHODS, _METHOD_TIP),
                "width": inputs.pixels(tooltip="Pixels; 0 keeps the aspect ratio."),
                "height": inputs.pixels(tooltip="Pixels; 0 keeps the aspect ratio."),
                "crop": inputs.options(["disabled", "center"], "disabled stretches, center cuts off what is too much."),
            }
        }

    def upscale(self, image: Tensor, upscale_method: str, width: int, height: int, crop: str) -> tuple[Tensor]:
        from .ops.resize import resize_image

        if width == 0 and height == 0:
            return (image,)
        old_height, old_width = image.shape[1:3]
        width = width or max(1, round(old_width * height / old_height))
        height = height or max(1, round(old_height * width / old_width))
        return (resize_image(image, width, height, upscale_method, crop),)


def scale_by_factor(image: Tensor, method: str, factor: float) -> Tensor:
    """IMAGE with both sides multiplied by ``factor``, at least one pixel each."""
    from .ops.resize import resize_image

    height, width = image.shape[1:3]
    return resize_image(image, max(1, round(width * factor)), max(1, round(height * factor)), method)


class ImageScaleBy:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Scales images by a factor."
    SEARCH_ALIASES = ["resize", "scale", "upscale", "factor", "half", "double"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to scale."),
                "upscale_method": inputs.options(inputs.UPSCALE_METHODS, _METHOD_TIP),
                "scale_by": inputs.number(1.0, 0.01, 8.0, 0.01, "2 doubles both sides."),
            }
        }

    def upscale(self, image: Tensor, upscale_method: str, scale_by: float) -> tuple[Tensor]:
        return (scale_by_factor(image, upscale_method, scale_by),)


class ImageScaleToTotalPixels:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Scales images to a number of pixels and keeps their aspect ratio."
    SEARCH_ALIASES = ["resize", "megapixels", "pixel count", "scale", "upscale"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to scale."),
                "upscale_method": inputs.combo(inputs.UPSCALE_METHODS, _METHOD_TIP),
                "megapixels": inputs.number(1.0, 0.01, 16.0, 0.01, "In units of 1024 x 1024 pixels."),
            }
        }

    def upscale(self, image: Tensor, upscale_method: str, megapixels: float) -> tuple[Tensor]:
        return (scale_by_factor(image, upscale_method, _pixel_factor(image, megapixels)),)


def _pixel_factor(image: Tensor, megapixels: float) -> float:
    return math.sqrt(megapixels * 1024 * 1024 / (image.shape[1] * image.shape[2]))


class ImageScaleToMaxDimension:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Scales images so that the longer side has the given length."
    SEARCH_ALIASES = ["resize", "longest side", "longer edge", "fit", "scale"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        methods = ["area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"]
        return {
            "required": {
                "image": inputs.image("The images to scale."),
                "upscale_method": inputs.options(methods, _METHOD_TIP),
                "largest_size": inputs.pixels(tooltip="Length of the longer side, in pixels; 0 changes nothing."),
            }
        }

    def upscale(self, image: Tensor, upscale_method: str, largest_size: int) -> tuple[Tensor]:
        return (image if largest_size == 0 else scale_side(image, largest_size, upscale_method, max),)


def scale_side(image: Tensor, size: int, method: str, side: Any) -> Tensor:
    """IMAGE scaled so that its longer (``side=max``) or shorter (``side=min``) side is ``size`` pixels long."""
    from .ops.resize import resize_image

    height, width = image.shape[1:3]
    reference = side(width, height)
    if width == reference:
        new = (size, max(1, round(height * size / width)))
    else:
        new = (max(1, round(width * size / height)), size)
    return resize_image(image, *new, method)


class ResizeImagesByLongerEdge:
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("images",)
    FUNCTION = "resize"
    CATEGORY = "image/transform"
    DESCRIPTION = "Scales images with Lanczos so that the longer edge has the given length."
    SEARCH_ALIASES = ["resize", "longest side", "longer edge", "fit", "scale"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The images to scale."),
                "longer_edge": inputs.integer(1024, 1, 8192, tooltip="Length of the longer edge, in pixels."),
            }
        }

    def resize(self, images: Tensor, longer_edge: int) -> tuple[Tensor]:
        return (scale_side(images, longer_edge, "lanczos", max),)


class ResizeAndPadImage:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "resize_and_pad"
    CATEGORY = "image/transform"
    DESCRIPTION = "Fits images into a rectangle without distorting them and fills the rest with one colour."
    SEARCH_ALIASES = ["letterbox", "fit", "contain", "resize", "padding", "pillarbox"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        methods = ["area", "bicubic", "nearest-exact", "bilinear", "lanczos"]
        return {
            "required": {
                "image": inputs.image("The images to fit in."),
                "target_width": inputs.pixels(minimum=1, tooltip="Width of the rectangle, in pixels."),
                "target_height": inputs.pixels(minimum=1, tooltip="Height of the rectangle, in pixels."),
                "padding_color": inputs.options(["white", "black"], "Colour of the rest."),
                "interpolation": inputs.options(methods, _METHOD_TIP),
            }
        }

    def resize_and_pad(
        self, image: Tensor, target_width: int, target_height: int, padding_color: str, interpolation: str
    ) -> tuple[Tensor]:
        from .ops.resize import resize_image

        height, width = image.shape[1:3]
        factor = min(target_width / width, target_height / height)
        new_width, new_height = max(1, int(width * factor)), max(1, int(height * factor))
        left, top = (target_width - new_width) // 2, (target_height - new_height) // 2
        canvas = image.new_full(
            (image.shape[0], target_height, target_width, image.shape[3]), 1.0 if padding_color == "white" else 0.0
        )
        scaled = resize_image(image, new_width, new_height, interpolation)
        canvas[:, top : top + new_height, left : left + new_width] = scaled
        return (canvas,)


def _length(tooltip: str) -> inputs.Spec:
    return inputs.integer(512, 0, 8192, tooltip=tooltip)


_CROP = inputs.combo(["disabled", "center"], "disabled stretches, center cuts off what is too much.", default="center")

#: The ways ``ResizeImageMaskNode`` offers, each with the inputs it brings.
RESIZE_TYPES: dict[str, dict[str, inputs.Spec]] = {
    "scale dimensions": {
        "width": _length("Pixels; 0 keeps the aspect ratio."),
        "height": _length("Pixels; 0 keeps the aspect ratio."),
        "crop": _CROP,
    },
    "scale by multiplier": {"multiplier": inputs.number(1.0, 0.01, 8.0, 0.01, "2 doubles both sides.")},
    "scale longer dimension": {"longer_size": _length("Length of the longer side, in pixels.")},
    "scale shorter dimension": {"shorter_size": _length("Length of the shorter side, in pixels.")},
    "scale width": {"width": _length("Pixels; the height follows.")},
    "scale height": {"height": _length("Pixels; the width follows.")},
    "scale total pixels": {
        "megapixels": inputs.number(1.0, 0.01, 16.0, 0.01, "In units of 1024 x 1024 pixels."),
    },
    "match size": {"match": inputs.socket("IMAGE,MASK", "Its size is taken over."), "crop": _CROP},
    "scale to multiple": {
        "multiple": inputs.integer(8, 1, 8192, tooltip="Both sides become multiples of it; the rest is cut off."),
    },
}


class ResizeImageMaskNode:
    RETURN_TYPES = ("IMAGE,MASK",)
    RETURN_NAMES = ("resized",)
    FUNCTION = "resize"
    CATEGORY = "transform"
    DESCRIPTION = "Scales an image or a mask: to a size, by a factor, by one side, to a pixel count, to another's size."
    SEARCH_ALIASES = ["resize", "scale", "scale mask", "match size", "megapixels", "longest side", "fit", "crop"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        declared = {
            "input": inputs.socket("IMAGE,MASK", "The images or masks to scale."),
            "resize_type": ("COMFY_DYNAMICCOMBO_V3", {"tooltip": "How the new size is found."}),
            "scale_method": inputs.combo(inputs.UPSCALE_METHODS, _METHOD_TIP, default="area"),
        }
        return {"required": inputs.Choices(declared, {"resize_type": RESIZE_TYPES})}

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


NODES: dict[str, tuple[type, str]] = {
    "ImageScale": (ImageScale, "Upscale Image"),
    "ImageScaleBy": (ImageScaleBy, "Upscale Image By"),
    "ImageScaleToTotalPixels": (ImageScaleToTotalPixels, "ImageScaleToTotalPixels"),
    "ImageScaleToMaxDimension": (ImageScaleToMaxDimension, "ImageScaleToMaxDimension"),
    "ResizeImageMaskNode": (ResizeImageMaskNode, "Resize Image/Mask"),
    "ResizeAndPadImage": (ResizeAndPadImage, "ResizeAndPadImage"),
    "ResizeImagesByLongerEdge": (ResizeImagesByLongerEdge, "Resize Images by Longer Edge"),
}

"""Scaling images (and masks) to a size, by a factor, to a pixel count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

#: What the choice of a scaling method says about itself.
METHOD_TIP = (
    "nearest-exact copies pixels, area averages them (good for shrinking), bilinear and bicubic are smooth, lanczos is "
    "sharpest and rounds to 8 bits."
)


class ImageScale:
    upscale_methods = list(inputs.UPSCALE_METHODS)  # custom nodes read these two
    crop_methods = ["disabled", "center"]
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
                "upscale_method": inputs.options(inputs.UPSCALE_METHODS, METHOD_TIP),
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
    upscale_methods = list(inputs.UPSCALE_METHODS)
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
                "upscale_method": inputs.options(inputs.UPSCALE_METHODS, METHOD_TIP),
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
                "upscale_method": inputs.combo(inputs.UPSCALE_METHODS, METHOD_TIP),
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
                "upscale_method": inputs.options(methods, METHOD_TIP),
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
    DESCRIPTION = "Resamples images (Lanczos) until their longer edge has this many pixels; the shape stays."
    SEARCH_ALIASES = ["fit", "longest side", "scale down", "limit size"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The images to scale."),
                "longer_edge": inputs.integer(1024, 1, 8192, tooltip="Pixels along the longer edge."),
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
                "interpolation": inputs.options(methods, METHOD_TIP),
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


NODES: dict[str, tuple[type, str]] = {
    "ImageScale": (ImageScale, "Upscale Image"),
    "ImageScaleBy": (ImageScaleBy, "Upscale Image By"),
    "ImageScaleToTotalPixels": (ImageScaleToTotalPixels, "ImageScaleToTotalPixels"),
    "ImageScaleToMaxDimension": (ImageScaleToMaxDimension, "ImageScaleToMaxDimension"),
    "ResizeAndPadImage": (ResizeAndPadImage, "ResizeAndPadImage"),
    "ResizeImagesByLongerEdge": (ResizeImagesByLongerEdge, "Resize Images by Longer Edge"),
}

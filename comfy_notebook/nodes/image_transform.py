"""Cutting, padding, turning and joining images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor


def crop(image: Tensor, x: int, y: int, width: int, height: int) -> Tensor:
    """The part of IMAGE that starts at (x, y); it ends where the image ends and has at least one pixel."""
    x = min(max(x, 0), image.shape[2] - 1)
    y = min(max(y, 0), image.shape[1] - 1)
    return image[:, y : y + max(1, height), x : x + max(1, width)]


class ImageCrop:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "crop"
    CATEGORY = "image/transform"
    DESCRIPTION = "Cuts a rectangle out of images."
    SEARCH_ALIASES = ["cut", "trim", "region", "rectangle"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to cut."),
                "width": inputs.pixels(minimum=1, tooltip="Pixels."),
                "height": inputs.pixels(minimum=1, tooltip="Pixels."),
                "x": inputs.pixels(0, tooltip="Left edge, in pixels."),
                "y": inputs.pixels(0, tooltip="Upper edge, in pixels."),
            }
        }

    def crop(self, image: Tensor, width: int, height: int, x: int, y: int) -> tuple[Tensor]:
        return (crop(image, x, y, width, height),)


class ImageCropV2:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "crop"
    CATEGORY = "image/transform"
    DESCRIPTION = "Keeps one rectangle of each image. A rectangle that reaches beyond the image ends at its edge."
    SEARCH_ALIASES = ["cut", "region", "box", "trim"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        region = {"x": 0, "y": 0, "width": 512, "height": 512}
        options = {"default": region, "component": "ImageCrop", "tooltip": "Upper left corner and size in pixels."}
        return {"required": {"image": inputs.image("The images to cut."), "crop_region": ("BOUNDING_BOX", options)}}

    def crop(self, image: Tensor, crop_region: Mapping[str, Any]) -> tuple[Tensor]:
        try:
            x, y, width, height = (int(crop_region[name]) for name in ("x", "y", "width", "height"))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("crop_region must hold the numbers x, y, width and height") from error
        return (crop(image, x, y, width, height),)


class ImagePadForOutpaint:
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "expand_image"
    CATEGORY = "image"
    DESCRIPTION = "Adds grey borders and the mask of them, for painting an image further."
    SEARCH_ALIASES = ["outpaint", "extend", "expand canvas", "border", "uncrop"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to extend."),
                "left": inputs.pixels(0, step=8, tooltip="Pixels to add."),
                "top": inputs.pixels(0, step=8, tooltip="Pixels to add."),
                "right": inputs.pixels(0, step=8, tooltip="Pixels to add."),
                "bottom": inputs.pixels(0, step=8, tooltip="Pixels to add."),
                "feathering": inputs.pixels(40, tooltip="How far the mask fades into the image, in pixels."),
            }
        }

    def expand_image(
        self, image: Tensor, left: int, top: int, right: int, bottom: int, feathering: int
    ) -> tuple[Tensor, Tensor]:
        from .ops.outpaint import pad

        return pad(image, left, top, right, bottom, feathering)


class ImageFlip:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "flip"
    CATEGORY = "image/transform"
    DESCRIPTION = "Mirrors images."
    SEARCH_ALIASES = ["mirror", "reflect", "flop", "horizontal", "vertical"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        methods = ["x-axis: vertically", "y-axis: horizontally"]
        return {"required": {"image": inputs.image("The images to mirror."), "flip_method": inputs.options(methods)}}

    def flip(self, image: Tensor, flip_method: str) -> tuple[Tensor]:
        return (image.flip(dims=[1 if flip_method.startswith("x") else 2]),)


class ImageRotate:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "rotate"
    CATEGORY = "image/transform"
    DESCRIPTION = "Turns images clockwise by quarter turns."
    SEARCH_ALIASES = ["turn", "orientation", "90 degrees"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        turns = ["none", "90 degrees", "180 degrees", "270 degrees"]
        return {"required": {"image": inputs.image("The images to turn."), "rotation": inputs.options(turns)}}

    def rotate(self, image: Tensor, rotation: str) -> tuple[Tensor]:
        turns = {"none": 0, "90 degrees": 1, "180 degrees": 2, "270 degrees": 3}[rotation]
        return (image.rot90(k=turns, dims=(2, 1)),)


class ImageStitch:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "stitch"
    CATEGORY = "image/transform"
    DESCRIPTION = "Puts a second image beside, above or below the first."
    SEARCH_ALIASES = ["concatenate", "combine", "side by side", "join", "collage", "montage", "grid"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        colours = ["white", "black", "red", "green", "blue"]
        return {
            "required": {
                "image1": inputs.image("The image that keeps its size."),
                "direction": inputs.options(["right", "down", "left", "up"], "Where image2 goes.", default="right"),
                "match_image_size": inputs.boolean(True, "Scale image2 to fit; else pad with black."),
                "spacing_width": inputs.integer(0, 0, 1024, 2, "Strip between the two, in pixels."),
                "spacing_color": inputs.options(colours, "Colour of the strip.", default="white"),
            },
            "optional": {"image2": inputs.image("The image to add; without it image1 is passed on.")},
        }

    def stitch(
        self,
        image1: Tensor,
        direction: str,
        match_image_size: bool,
        spacing_width: int,
        spacing_color: str,
        image2: Tensor | None = None,
    ) -> tuple[Tensor]:
        from .ops.stitch import stitch

        if image2 is None:
            return (image1,)
        return (stitch(image1, image2, direction, match_image_size, spacing_width, spacing_color),)


class SplitImageToTileList:
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "split"
    CATEGORY = "image/batch"
    DESCRIPTION = (
        "Divides images into tiles that overlap, left to right and row by row. The list makes the next nodes run tile "
        "by tile."
    )
    SEARCH_ALIASES = ["tiles", "grid", "pieces", "tiled processing"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to cut."),
                "tile_width": inputs.integer(
                    1024, 64, 1048576, tooltip="Pixels; an image that is smaller stays whole."
                ),
                "tile_height": inputs.integer(
                    1024, 64, 1048576, tooltip="Pixels; an image that is smaller stays whole."
                ),
                "overlap": inputs.integer(
                    128, 0, 4096, tooltip="Pixels that neighbouring tiles have in common, or more at the far edge."
                ),
            }
        }

    def split(self, image: Tensor, tile_width: int, tile_height: int, overlap: int) -> tuple[list[Tensor]]:
        from .ops.tiles import starts

        height, width = image.shape[1:3]
        columns, rows = starts(width, tile_width, overlap), starts(height, tile_height, overlap)
        return ([crop(image, x, y, tile_width, tile_height) for y in rows for x in columns],)


NODES: dict[str, tuple[type, str]] = {
    "ImageCrop": (ImageCrop, "Image Crop"),
    "ImageCropV2": (ImageCropV2, "Image Crop"),
    "ImagePadForOutpaint": (ImagePadForOutpaint, "Pad Image for Outpainting"),
    "ImageFlip": (ImageFlip, "ImageFlip"),
    "ImageRotate": (ImageRotate, "ImageRotate"),
    "ImageStitch": (ImageStitch, "Image Stitch"),
    "SplitImageToTileList": (SplitImageToTileList, "Split Image into List of Tiles"),
}

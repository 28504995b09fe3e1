"""Batches of images: joining, taking apart, repeating, measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.context import context
from . import inputs
from .autogrow import by_number, growing, members, numbered

if TYPE_CHECKING:
    from torch import Tensor


class EmptyImage:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "generate"
    CATEGORY = "image"
    DESCRIPTION = "Images of one colour."
    SEARCH_ALIASES = ["solid color", "blank", "background", "canvas", "fill"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "width": inputs.pixels(minimum=1, tooltip="Pixels."),
                "height": inputs.pixels(minimum=1, tooltip="Pixels."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="How many images."),
                "color": inputs.integer(0, 0, 0xFFFFFF, 1, "As one number: 0xRRGGBB.", display="color"),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1, color: int = 0) -> tuple[Tensor]:
        import torch

        from .ops.colour import unpack

        return (torch.tensor(unpack(color), dtype=torch.float32).expand(batch_size, height, width, 3).contiguous(),)


class ImageBatch:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "batch"
    CATEGORY = "image"
    DESCRIPTION = "Puts two images or batches into one batch. The second takes the size of the first."
    SEARCH_ALIASES = ["combine", "merge", "join", "append", "concatenate images"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image1": inputs.image("Comes first and gives the size."),
                "image2": inputs.image("Scaled and cropped to the first one's size."),
            }
        }

    def batch(self, image1: Tensor, image2: Tensor) -> tuple[Tensor]:
        from .ops.batches import join

        return (join([image1, image2]),)


class BatchImagesNode:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "batch"
    CATEGORY = "image"
    DESCRIPTION = (
        "Stacks all connected images into one batch; those of another size are scaled and cropped to the first."
    )
    SEARCH_ALIASES = ["stack", "join", "merge", "append", "many images"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"images": growing("IMAGE", numbered("image", 50), "Images or a batch of them.")}}

    def batch(self, images: dict[str, Tensor] | None = None, **numbered_images: Tensor) -> tuple[Tensor]:
        from .ops.batches import join

        given = {**(images or {}), **members("images", numbered_images)}
        ordered = [image for image in by_number(given) if image is not None]
        if not ordered:
            raise ValueError("Nothing is connected: connect at least one image.")
        return (join(ordered),)


class ImageFromBatch:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "frombatch"
    CATEGORY = "image/batch"
    DESCRIPTION = "Takes some consecutive images out of a batch."
    SEARCH_ALIASES = ["select", "index", "pick frame", "slice", "get image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The batch."),
                "batch_index": inputs.integer(0, 0, 4095, tooltip="The first one to take, counted from 0."),
                "length": inputs.integer(1, 1, 4096, tooltip="How many to take; fewer where the batch ends."),
            }
        }

    def frombatch(self, image: Tensor, batch_index: int, length: int) -> tuple[Tensor]:
        start = min(image.shape[0] - 1, batch_index)
        return (image[start : start + length].clone(),)


class RepeatImageBatch:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "repeat"
    CATEGORY = "image/batch"
    DESCRIPTION = "Repeats the whole batch."
    SEARCH_ALIASES = ["duplicate", "copy", "multiply", "tile batch"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The batch."),
                "amount": inputs.integer(1, 1, 4096, tooltip="How often it appears."),
            }
        }

    def repeat(self, image: Tensor, amount: int) -> tuple[Tensor]:
        return (image.repeat(amount, 1, 1, 1),)


class RebatchImages:
    RETURN_TYPES = ("IMAGE",)
    INPUT_IS_LIST = True
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "rebatch"
    CATEGORY = "image/batch"
    DESCRIPTION = "Cuts a batch, or a list of batches, into a list of batches of the given size."
    SEARCH_ALIASES = ["split batch", "batch to list", "chunk", "for each"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("One batch or a list of them."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="Images in each batch; the last one may have fewer."),
            }
        }

    def rebatch(self, images: list[Tensor], batch_size: list[int]) -> tuple[list[Tensor]]:
        import torch

        size = batch_size[0]
        singles = [image[index : index + 1] for image in images for index in range(image.shape[0])]
        groups = [singles[start : start + size] for start in range(0, len(singles), size)]
        for group in groups:
            if len({tuple(image.shape) for image in group}) > 1:
                sizes = ", ".join(f"{image.shape[2]} x {image.shape[1]}" for image in group)
                raise ValueError(f"Images of different sizes cannot share a batch ({sizes}). Scale them first.")
        return ([torch.cat(group) for group in groups],)


class GetImageSize:
    RETURN_TYPES = ("INT", "INT", "INT")
    RETURN_NAMES = ("width", "height", "batch_size")
    FUNCTION = "get_size"
    CATEGORY = "image"
    DESCRIPTION = "Width, height and number of the images, also shown on the node."
    SEARCH_ALIASES = ["dimensions", "resolution", "width", "height", "image info", "shape"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image("The images to measure.")}, "hidden": {"unique_id": "UNIQUE_ID"}}

    def get_size(self, image: Tensor, unique_id: str | None = None) -> tuple[int, int, int]:
        count, height, width = (int(side) for side in image.shape[:3])
        context().text(f"width: {width}, height: {height}\nbatch size: {count}")
        return (width, height, count)


NODES: dict[str, tuple[type, str]] = {
    "EmptyImage": (EmptyImage, "EmptyImage"),
    "ImageBatch": (ImageBatch, "Batch Images"),
    "BatchImagesNode": (BatchImagesNode, "Batch Images"),
    "ImageFromBatch": (ImageFromBatch, "ImageFromBatch"),
    "RepeatImageBatch": (RepeatImageBatch, "RepeatImageBatch"),
    "RebatchImages": (RebatchImages, "Rebatch Images"),
    "GetImageSize": (GetImageSize, "Get Image Size"),
}

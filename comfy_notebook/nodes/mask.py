"""Masks: made, converted, combined, grown, faded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import colour_text, inputs

if TYPE_CHECKING:
    from torch import Tensor


def _stack(mask: Tensor) -> Tensor:
    """A mask ``[H,W]`` or ``[...,H,W]`` as ``[B,H,W]``."""
    return mask.reshape(-1, *mask.shape[-2:])


class MaskToImage:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "mask_to_image"
    CATEGORY = "mask"
    DESCRIPTION = "A mask as a grey image."
    SEARCH_ALIASES = ["convert mask", "grayscale", "view mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"mask": inputs.mask("The masks to convert.")}}

    def mask_to_image(self, mask: Tensor) -> tuple[Tensor]:
        return (_stack(mask).unsqueeze(-1).repeat(1, 1, 1, 3),)


class ImageToMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"
    DESCRIPTION = "One channel of an image as a mask."
    SEARCH_ALIASES = ["convert image", "extract channel", "red", "green", "blue", "alpha"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        channels = ["red", "green", "blue", "alpha"]
        return {
            "required": {"image": inputs.image("The images to convert."), "channel": inputs.options(channels)},
        }

    def image_to_mask(self, image: Tensor, channel: str) -> tuple[Tensor]:
        index = ["red", "green", "blue", "alpha"].index(channel)
        if index >= image.shape[-1]:
            raise ValueError(f"The image has no {channel} channel, it has {image.shape[-1]} channels.")
        return (image[..., index],)


class ImageColorToMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"
    DESCRIPTION = "White where the image has exactly one colour."
    SEARCH_ALIASES = ["chroma key", "color key", "select color", "segment by color"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        colour = inputs.integer(0, 0, 0xFFFFFF, 1, "As one number: 0xRRGGBB.", display="color")
        return {"required": {"image": inputs.image("The images to examine."), "color": colour}}

    def image_to_mask(self, image: Tensor, color: int) -> tuple[Tensor]:
        import torch

        wanted = torch.tensor(list((color & 0xFFFFFF).to_bytes(3, "big")), device=image.device)
        levels = (image[..., :3].clamp(0, 1) * 255.0).round().to(torch.int64)
        return ((levels == wanted).all(dim=-1).float(),)


class SolidMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "solid"
    CATEGORY = "mask"
    DESCRIPTION = "A mask with the same value everywhere."
    SEARCH_ALIASES = ["empty mask", "fill", "blank mask", "white mask", "black mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "value": inputs.number(1.0, 0.0, 1.0, 0.01, "0 is black, 1 is white."),
                "width": inputs.pixels(minimum=1, tooltip="Pixels."),
                "height": inputs.pixels(minimum=1, tooltip="Pixels."),
            }
        }

    def solid(self, value: float, width: int, height: int) -> tuple[Tensor]:
        import torch

        return (torch.full((1, height, width), value, dtype=torch.float32),)


class InvertMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "invert"
    CATEGORY = "mask"
    DESCRIPTION = "Exchanges white and black."
    SEARCH_ALIASES = ["negative", "reverse mask", "flip mask", "not"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"mask": inputs.mask("The masks to invert.")}}

    def invert(self, mask: Tensor) -> tuple[Tensor]:
        return (1.0 - mask,)


class CropMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "crop"
    CATEGORY = "mask"
    DESCRIPTION = "Cuts a rectangle out of masks."
    SEARCH_ALIASES = ["cut mask", "trim mask", "region"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "mask": inputs.mask("The masks to cut."),
                "x": inputs.pixels(0, tooltip="Left edge, in pixels."),
                "y": inputs.pixels(0, tooltip="Upper edge, in pixels."),
                "width": inputs.pixels(minimum=1, tooltip="Pixels."),
                "height": inputs.pixels(minimum=1, tooltip="Pixels."),
            }
        }

    def crop(self, mask: Tensor, x: int, y: int, width: int, height: int) -> tuple[Tensor]:
        stack = _stack(mask)
        if x >= stack.shape[2] or y >= stack.shape[1]:
            raise ValueError(f"({x}, {y}) lies outside the mask, which has {stack.shape[2]} x {stack.shape[1]} pixels.")
        return (stack[:, y : y + height, x : x + width],)


class MaskComposite:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "combine"
    CATEGORY = "mask"
    DESCRIPTION = "Combines two masks, the source laid over the destination at a position."
    SEARCH_ALIASES = ["mask math", "union", "intersect", "subtract", "boolean", "combine masks"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        operations = ["multiply", "add", "subtract", "and", "or", "xor"]
        return {
            "required": {
                "destination": inputs.mask("The mask below; gives the size."),
                "source": inputs.mask("The mask above."),
                "x": inputs.pixels(0, tooltip="Left edge of the source, in pixels."),
                "y": inputs.pixels(0, tooltip="Upper edge of the source, in pixels."),
                "operation": inputs.options(operations, "and, or and xor first round to black and white."),
            }
        }

    def combine(self, destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> tuple[Tensor]:
        from .ops.batches import repeat_to
        from .ops.masks import COMBINATIONS

        result, above = _stack(destination).clone(), _stack(source)
        if above.shape[0] not in (1, result.shape[0]):
            above = repeat_to(above, result.shape[0])
        below = result[:, y : y + above.shape[1], x : x + above.shape[2]]
        above = above[:, : below.shape[1], : below.shape[2]].to(result.device, result.dtype)
        below.copy_(COMBINATIONS[operation](below, above))
        return (result.clamp(0.0, 1.0),)


class FeatherMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "feather"
    CATEGORY = "mask"
    DESCRIPTION = "Fades masks out towards the edges of the picture."
    SEARCH_ALIASES = ["soft edge", "fade", "gradient edge", "blur mask edge"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        sides = {side: inputs.pixels(0, tooltip="Width of the fade, in pixels.") for side in _SIDES}
        return {"required": {"mask": inputs.mask("The masks to fade."), **sides}}

    def feather(self, mask: Tensor, left: int, top: int, right: int, bottom: int) -> tuple[Tensor]:
        from .ops.masks import feather

        return (feather(_stack(mask), left, top, right, bottom),)


_SIDES = ("left", "top", "right", "bottom")


class GrowMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "expand_mask"
    CATEGORY = "mask"
    DESCRIPTION = "Grows the white part of masks, or shrinks it."
    SEARCH_ALIASES = ["expand mask", "dilate", "erode", "shrink mask", "padding"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        limit = inputs.MAX_RESOLUTION
        return {
            "required": {
                "mask": inputs.mask("The masks to grow."),
                "expand": inputs.integer(0, -limit, limit, 1, "Pixels; below 0 shrinks."),
                "tapered_corners": inputs.boolean(True, "Cut the corners off, so that dots become diamonds."),
            }
        }

    def expand_mask(self, mask: Tensor, expand: int, tapered_corners: bool) -> tuple[Tensor]:
        from .ops.morphology import grow

        return (grow(_stack(mask), expand, tapered_corners),)


class ThresholdMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "image_to_mask"
    CATEGORY = "mask"
    DESCRIPTION = "White where the mask is brighter than a value, else black."
    SEARCH_ALIASES = ["binarize", "black and white", "cutoff", "binary mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        value = inputs.number(0.5, 0.0, 1.0, 0.01, "What is brighter than this becomes white.")
        return {"required": {"mask": inputs.mask("The masks to cut off."), "value": value}}

    def image_to_mask(self, mask: Tensor, value: float) -> tuple[Tensor]:
        return ((mask > value).float(),)


class ImageCropToMask:
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("images",)
    FUNCTION = "crop"
    CATEGORY = "image/transform"
    DESCRIPTION = (
        "Cuts each image to the rectangle around its mask, fills what the mask leaves out with one colour and scales "
        "the result to width and height."
    )
    SEARCH_ALIASES = ["cut out", "isolate", "subject", "bounding box", "background"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The images to cut."),
                "masks": inputs.mask("White marks what to keep. One mask, or one for each image."),
                "width": inputs.integer(1024, 64, 4096, 8, "Pixels of the result."),
                "height": inputs.integer(1024, 64, 4096, 8, "Pixels of the result."),
                "pad_factor": inputs.number(
                    1.0, 1.0, 2.0, 0.01, "Enlarges the rectangle: 1.1 leaves a tenth more room."
                ),
                "grow_mask": inputs.integer(
                    0, -32, 32, 1, "Pixels to widen the mask by at first; negative numbers narrow it."
                ),
                "background": ("COLOR", {"default": "#000000", "tooltip": "Fills what the mask leaves out."}),
            }
        }

    def crop(
        self, images: Tensor, masks: Tensor, width: int, height: int, pad_factor: float, grow_mask: int, background: str
    ) -> tuple[Tensor]:
        from .ops.masks import cut_out

        red, green, blue, _ = colour_text.parse(background)
        colour = (red / 255, green / 255, blue / 255)
        masks = _stack(masks)
        if masks.shape[0] not in (1, images.shape[0]):
            raise ValueError(
                f"There are {masks.shape[0]} masks for {images.shape[0]} images; give one, or one for each."
            )
        return (cut_out(images, masks, (width, height), pad_factor, grow_mask, colour),)


NODES: dict[str, tuple[type, str]] = {
    "MaskToImage": (MaskToImage, "Convert Mask to Image"),
    "ImageToMask": (ImageToMask, "Convert Image to Mask"),
    "ImageColorToMask": (ImageColorToMask, "ImageColorToMask"),
    "SolidMask": (SolidMask, "SolidMask"),
    "InvertMask": (InvertMask, "InvertMask"),
    "CropMask": (CropMask, "CropMask"),
    "MaskComposite": (MaskComposite, "MaskComposite"),
    "FeatherMask": (FeatherMask, "FeatherMask"),
    "GrowMask": (GrowMask, "GrowMask"),
    "ThresholdMask": (ThresholdMask, "ThresholdMask"),
    "ImageCropToMask": (ImageCropToMask, "Image Crop to Mask"),
}

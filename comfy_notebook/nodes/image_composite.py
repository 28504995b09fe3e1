"""Laying images over one another, and alpha channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.context import context
from . import inputs

if TYPE_CHECKING:
    from torch import Tensor


class ImageCompositeMasked:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "composite"
    CATEGORY = "image"
    DESCRIPTION = "Lays the source over the destination, where the mask is white."
    SEARCH_ALIASES = ["paste", "overlay", "layer", "watermark", "inpaint merge", "combine images"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "destination": inputs.image("The image below; gives the size."),
                "source": inputs.image("The image above."),
                "x": inputs.pixels(0, tooltip="Left edge of the source, in pixels."),
                "y": inputs.pixels(0, tooltip="Upper edge of the source, in pixels."),
                "resize_source": inputs.boolean(False, "Stretch the source to the size of the destination."),
            },
            "optional": {"mask": inputs.mask("White shows the source; scaled to it. Without a mask all of it shows.")},
        }

    def composite(
        self, destination: Tensor, source: Tensor, x: int, y: int, resize_source: bool, mask: Tensor | None = None
    ) -> tuple[Tensor]:
        from .ops.batches import fit_channels
        from .ops.composite import composite

        source = fit_channels(source, destination.shape[-1])
        laid = composite(destination.movedim(-1, 1), source.movedim(-1, 1), x, y, mask, resize_source)
        return (laid.movedim(1, -1),)


class PorterDuffImageComposite:
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "composite"
    CATEGORY = "mask/compositing"
    DESCRIPTION = "Combines two images and their masks with a Porter-Duff operator. Masks are white where transparent."
    SEARCH_ALIASES = ["alpha composite", "blend mode", "layer", "source over", "xor"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        modes = (
            "ADD CLEAR DARKEN DST DST_ATOP DST_IN DST_OUT DST_OVER LIGHTEN MULTIPLY OVERLAY SCREEN SRC SRC_ATOP SRC_IN "
            "SRC_OUT SRC_OVER XOR"
        )
        return {
            "required": {
                "source": inputs.image("The image above."),
                "source_alpha": inputs.mask("White where the source is transparent."),
                "destination": inputs.image("The image below; gives the size."),
                "destination_alpha": inputs.mask("White where the destination is transparent."),
                "mode": inputs.combo(modes.split(), "The operator.", default="DST"),
            }
        }

    def composite(
        self, source: Tensor, source_alpha: Tensor, destination: Tensor, destination_alpha: Tensor, mode: str
    ) -> tuple[Tensor, Tensor]:
        import torch

        from .ops.batches import same_channels
        from .ops.blend import porter_duff
        from .ops.resize import resize_image, resize_mask

        source, destination = same_channels(source, destination)
        height, width = destination.shape[1:3]
        if source.shape[1:3] != destination.shape[1:3]:
            source = resize_image(source, width, height, "bicubic", "center")
        masks = [
            mask if mask.shape[-2:] == (height, width) else resize_mask(mask, width, height, "bicubic", "center")
            for mask in (source_alpha, destination_alpha)
        ]
        colours, alphas = [], []
        for above, above_mask, below, below_mask in zip(source, masks[0], destination, masks[1], strict=False):
            context().check_interrupted()
            opaque = (1 - above_mask.unsqueeze(-1), 1 - below_mask.unsqueeze(-1))
            colour, alpha = porter_duff(above, opaque[0], below, opaque[1], mode)
            colours.append(colour)
            alphas.append(1 - alpha.squeeze(-1))
        return (torch.stack(colours), torch.stack(alphas))


class SplitImageWithAlpha:
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "split"
    CATEGORY = "mask/compositing"
    DESCRIPTION = "The colours of an image, and the mask of its transparency (white where transparent)."
    SEARCH_ALIASES = ["extract alpha", "rgba", "transparency", "remove alpha"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image("Images with or without an alpha channel.")}}

    def split(self, image: Tensor) -> tuple[Tensor, Tensor]:
        mask = 1.0 - image[..., 3] if image.shape[-1] > 3 else image.new_zeros(image.shape[:3])
        return (image[..., :3], mask)


class JoinImageWithAlpha:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "join"
    CATEGORY = "mask/compositing"
    DESCRIPTION = "Gives an image an alpha channel from a mask (white becomes transparent)."
    SEARCH_ALIASES = ["add alpha", "rgba", "transparency", "cutout", "remove background"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The colours."),
                "alpha": inputs.mask("White where transparent; scaled to the image."),
            }
        }

    def join(self, image: Tensor, alpha: Tensor) -> tuple[Tensor]:
        import torch

        from .ops.batches import repeat_to
        from .ops.colour import as_rgb
        from .ops.resize import resize_mask

        scaled = resize_mask(alpha, image.shape[2], image.shape[1]).to(image.device, image.dtype)
        count = max(image.shape[0], scaled.shape[0])
        opacity = 1.0 - repeat_to(scaled, count).unsqueeze(-1)
        return (torch.cat([as_rgb(repeat_to(image, count)), opacity], dim=-1),)


NODES: dict[str, tuple[type, str]] = {
    "ImageCompositeMasked": (ImageCompositeMasked, "ImageCompositeMasked"),
    "PorterDuffImageComposite": (PorterDuffImageComposite, "Porter-Duff Image Composite"),
    "SplitImageWithAlpha": (SplitImageWithAlpha, "Split Image with Alpha"),
    "JoinImageWithAlpha": (JoinImageWithAlpha, "Join Image with Alpha"),
}

"""Pictures with holes: what inpainting encodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def mask_at_size(mask: Tensor, height: int, width: int) -> Tensor:
    """Masks ``[B,H,W]`` or ``[H,W]`` as ``[B,1,height,width]``."""
    from torch.nn import functional

    mask = mask.reshape(-1, 1, mask.shape[-2], mask.shape[-1])
    return functional.interpolate(mask, size=(height, width), mode="bilinear")


def hole(pixels: Tensor, mask: Tensor, ratio: int = 8) -> tuple[Tensor, Tensor]:
    """Images ``[B,H,W,3]`` in mid-grey where ``mask`` ``[B,1,H,W]`` is white, both cut to multiples of ``ratio``."""
    height, width = (pixels.shape[side] // ratio * ratio for side in (1, 2))
    if (height, width) != tuple(pixels.shape[1:3]):
        top, left = (pixels.shape[1] - height) // 2, (pixels.shape[2] - width) // 2
        pixels = pixels[:, top : top + height, left : left + width]
        mask = mask[:, :, top : top + height, left : left + width]
    keep = (1.0 - mask.round()).movedim(1, -1)
    return (pixels[..., :3] - 0.5) * keep + 0.5, mask

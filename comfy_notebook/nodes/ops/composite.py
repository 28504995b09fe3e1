"""Laying one image over another through a mask."""

from __future__ import annotations

from torch import Tensor

from .batches import repeat_to
from .resize import resize, resize_mask


def composite(
    destination: Tensor, source: Tensor, x: int, y: int, mask: Tensor | None = None, resize_source: bool = False
) -> Tensor:
    """``destination`` ``[B,C,H,W]`` with ``source`` laid over it, its upper left corner at (x, y).

    The mask ``[B,H,W]`` is scaled to the source; 1 shows the source. What lies outside the destination is cut off.
    """
    height, width = destination.shape[-2:]
    source = source.to(destination.device, destination.dtype)
    if resize_source:
        source = resize(source, width, height, "bilinear")
    source = repeat_to(source, destination.shape[0])
    x, y = max(-source.shape[-1], min(x, width)), max(-source.shape[-2], min(y, height))
    over_x, over_y = slice(max(0, -x), width - x), slice(max(0, -y), height - y)
    visible = source[..., over_y, over_x]
    result = destination.clone()
    target = result[..., max(0, y) : max(0, y) + visible.shape[-2], max(0, x) : max(0, x) + visible.shape[-1]]
    if mask is None:
        target.copy_(visible)
        return result
    share = repeat_to(resize_mask(mask, source.shape[-1], source.shape[-2]), destination.shape[0])
    share = share.to(result.device, result.dtype).unsqueeze(1)[..., over_y, over_x]
    target.copy_(share * visible + (1 - share) * target)
    return result

"""Room around an image, and the mask that tells where it is."""

from __future__ import annotations

import torch
from torch import Tensor


def pad(image: Tensor, left: int, top: int, right: int, bottom: int, feathering: int) -> tuple[Tensor, Tensor]:
    """IMAGE with grey borders, and MASK ``[1,H,W]``: 1 on the borders, fading over ``feathering`` pixels inside."""
    batch, height, width, channels = image.shape
    padded = image.new_full((batch, height + top + bottom, width + left + right, channels), 0.5)
    padded[:, top : top + height, left : left + width] = image
    mask = torch.ones(1, *padded.shape[1:3])
    inner = torch.zeros(height, width)
    if feathering > 0 and feathering * 2 < min(height, width):
        inner = _fade(height, width, (left, top, right, bottom), feathering)
    mask[:, top : top + height, left : left + width] = inner
    return padded, mask


def _fade(height: int, width: int, borders: tuple[int, int, int, int], feathering: int) -> Tensor:
    """The square of how far each pixel reaches into the feathered rim of the padded sides."""
    left, top, right, bottom = borders
    rows, columns = torch.arange(height).reshape(-1, 1), torch.arange(width).reshape(1, -1)
    distances = [
        rows if top else torch.full_like(rows, height),
        height - rows if bottom else torch.full_like(rows, height),
        columns if left else torch.full_like(columns, width),
        width - columns if right else torch.full_like(columns, width),
    ]
    nearest = torch.minimum(
        torch.minimum(distances[0], distances[1]).expand(height, width),
        torch.minimum(distances[2], distances[3]).expand(height, width),
    )
    return ((feathering - nearest).clamp(min=0) / feathering) ** 2

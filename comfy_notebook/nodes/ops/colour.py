"""Colours: YCbCr and packed integers."""

from __future__ import annotations

import torch
from torch import Tensor

#: The colours that padding and spacing offer.
NAMED = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


def unpack(colour: int) -> tuple[float, float, float]:
    """``0xRRGGBB`` as three numbers in 0..1."""
    return ((colour >> 16 & 255) / 255, (colour >> 8 & 255) / 255, (colour & 255) / 255)


def as_rgb(image: Tensor) -> Tensor:
    """The colours of IMAGE as ``[B,H,W,3]``: alpha is left out, grey (with or without alpha) stands for all three."""
    return image[..., :3] if image.shape[-1] >= 3 else image[..., :1].expand(*image.shape[:-1], 3)


def rgb_to_yuv(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Luma and the two colour differences of IMAGE, each ``[B,H,W,1]`` in 0..1 (differences are centred on 0.5)."""
    rgb = as_rgb(image)
    red, green, blue = rgb[..., 0:1], rgb[..., 1:2], rgb[..., 2:3]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, (blue - luma) * 0.564 + 0.5, (red - luma) * 0.713 + 0.5


def yuv_to_rgb(luma: Tensor, blue_difference: Tensor, red_difference: Tensor) -> Tensor:
    """The inverse of :func:`rgb_to_yuv`, clipped to 0..1."""
    blue = luma + (blue_difference - 0.5) / 0.564
    red = luma + (red_difference - 0.5) / 0.713
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return torch.cat([red, green, blue], dim=-1).clamp(0.0, 1.0)

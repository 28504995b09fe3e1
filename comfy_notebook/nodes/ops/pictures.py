"""Between tensors and Pillow pictures: ``[H,W,C]`` float32 in 0..1 on our side, 8-bit on Pillow's."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bytes(image: Tensor) -> np.ndarray:
    """``image`` as ``uint8``: clipped to 0..1, scaled by 255, the fraction dropped; NaN becomes 0."""
    return (within_one(image).numpy() * 255.0).astype(np.uint8)


def within_one(image: Tensor) -> Tensor:
    """``image`` as float32 in main memory, clipped to 0..1; NaN becomes 0."""
    return image.detach().float().cpu().clamp(0.0, 1.0).nan_to_num_(0.0)


def to_picture(image: Tensor) -> Image.Image:
    """One image ``[H,W,C]`` as an 8-bit picture of mode L, RGB or RGBA; raises ``ValueError`` unless C is 1, 3 or 4."""
    if image.ndim != 3 or image.shape[-1] not in (1, 3, 4):
        shape = " x ".join(map(str, image.shape))
        raise ValueError(f"An image has height, width and 1, 3 or 4 channels; this one is {shape}.")
    pixels = to_bytes(image)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def from_picture(picture: Image.Image) -> Tensor:
    """A picture of mode L, RGB or RGBA as ``[H,W,C]`` float32 in 0..1."""
    pixels = torch.from_numpy(np.array(picture).astype(np.float32) / 255.0)
    return pixels if pixels.ndim == 3 else pixels.unsqueeze(-1)

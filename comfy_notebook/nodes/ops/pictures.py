"""Between tensors and Pillow pictures: ``[H,W,C]`` float32 in 0..1 on our side, 8-bit on Pillow's."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bytes(image: Tensor) -> np.ndarray:
    """``image`` as ``uint8``: scaled by 255, clipped, the fraction dropped."""
    return np.clip(image.detach().float().cpu().numpy() * 255.0, 0, 255).astype(np.uint8)


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

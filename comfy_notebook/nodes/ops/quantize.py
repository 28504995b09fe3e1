"""Fewer colours: a palette of the image's own colours, with error diffusion or an ordered pattern."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from .pictures import from_picture, to_picture


def quantize(image: Tensor, colors: int, dither: str) -> Tensor:
    """One image ``[H,W,3]`` with at most ``colors`` (1..256) different colours.

    ``dither`` is ``"none"``, ``"floyd-steinberg"`` or ``"bayer-N"`` with N = 2, 4, 8, 16.
    """
    picture = to_picture(image[..., :3])
    palette = picture.quantize(colors=colors)
    if dither == "floyd-steinberg":
        reduced = picture.quantize(colors=colors, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    elif dither.startswith("bayer-"):
        reduced = _add_pattern(picture, int(dither[6:]), colors).quantize(palette=palette, dither=Image.Dither.NONE)
    else:
        reduced = picture.quantize(colors=colors, palette=palette, dither=Image.Dither.NONE)
    return from_picture(reduced.convert("RGB"))


def bayer(size: int) -> np.ndarray:
    """Bayer's threshold matrix of side ``size`` (a power of two): the numbers 0..size²-1, each once."""
    matrix = np.zeros((1, 1))
    while matrix.shape[0] < size:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


def _add_pattern(picture: Image.Image, size: int, colors: int) -> Image.Image:
    """``picture`` shifted by the pattern, so that choosing the nearest colour dithers it."""
    pixels = np.array(picture).astype(np.float32)
    height, width = pixels.shape[:2]
    spread = 2 * 256 / colors
    pattern = spread * ((bayer(size) + 0.5) / size**2 - 0.5) + 0.5
    tiled = np.tile(pattern, (-(-height // size), -(-width // size)))[:height, :width, None]
    return Image.fromarray(np.clip(pixels + tiled, 0, 255).astype(np.uint8))

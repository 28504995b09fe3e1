"""The tiny model that comes with the package: Stable Diffusion's U-Net in small, painting pixels in patches.

It predicts the clean picture on Stable Diffusion's noise levels (``training/``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import latent_formats
from ..checkpoints.layout import Layout
from . import unet_layout
from .family import Family
from .stable_diffusion import StableDiffusion


class PixelUNet(StableDiffusion):
    """As many channels in as out, three for each pixel of a square patch of 2 × 2 pixels or more."""

    title = "U-Net on pixels"
    sampling_kind = "X0"
    dtypes = ("float32",)

    def __init__(self, config: Mapping[str, Any], layout: Layout) -> None:
        super().__init__(config, layout)
        self.latent_format = latent_formats.pixel_patches(_side(config["in_channels"]))

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "input_blocks.0.0.weight" not in shapes or "middle_block.1.proj_in.weight" not in shapes:
            return None
        channels = shapes["input_blocks.0.0.weight"][1]
        if _side(channels) < 2 or shapes["out.2.weight"][0] != channels or "label_emb.0.0.weight" in shapes:
            return None
        config = unet_layout.describe(shapes)
        return cls(config, unet_layout.layout(shapes, config["layers_per_block"]))


def _side(channels: int) -> int:
    """Of a patch of three colours; 0 where the channels are not those of a square."""
    side = math.isqrt(channels // 3)
    return side if 3 * side * side == channels else 0

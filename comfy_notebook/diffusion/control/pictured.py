"""What patches that let a picture steer a model's blocks have in common."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..patcher import ModelPatcher
from . import hints


class PicturePatch:
    """``image`` ``[B,H,W,C]`` steers through ``network``; ``mask`` ``[B,H,W]`` is 1 where it is painted anew."""

    def __init__(
        self, network: ModelPatcher, vae: Any, latent_format: Any, image: Tensor, strength: float, mask: Tensor | None
    ) -> None:
        self.network, self.vae, self.latent_format = network, vae, latent_format
        self.pixels = image[..., :3].movedim(-1, 1)
        self.mask = None if mask is None else mask.reshape(-1, 1, *mask.shape[-2:])
        self.strength = strength
        self._seen: tuple[tuple[int, int], Tensor] | None = None

    def latents(self, x: Tensor, chunks: int) -> Tensor:
        """What the network sees, ``[B,C,h,w]`` at the size of the latent ``x``, in which ``chunks`` conditionings share
        the same samples. Encoded once for a size."""
        size = (int(x.shape[-2]), int(x.shape[-1]))
        if self._seen is None or self._seen[0] != size:
            height, width = (side * self.vae.spacial_compression_encode() for side in size)
            with torch.no_grad():
                self._seen = (size, self.encoded(hints.filling(self.pixels, height, width, "area")))
        return hints.for_batch(self._seen[1], x.shape[0], chunks).to(x.device)

    def encoded(self, pixels: Tensor) -> Tensor:
        """``pixels`` ``[B,3,H,W]`` in 0…1 as the network sees them."""
        return hints.as_latents(pixels, self.vae, self.latent_format)

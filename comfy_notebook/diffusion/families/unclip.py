"""Stable Diffusion 2.1 unCLIP: paints variations of pictures that an image encoder saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..checkpoints.layout import Layout
from ..sampling.discrete_levels import betas_of
from .stable_diffusion import StableDiffusion, sinusoids

if TYPE_CHECKING:
    from ..base_model import BaseModel

_LEVELS = 1000
#: Noise on the sum of several pictures, as a part of the most there can be.
_MERGED = 0.05
#: What the run's seed becomes for this noise, so that it is not that of the latent.
_SEED_SHIFT = -10


class NoiseAugmentor:
    """Noise on what an image encoder saw, ``[B,D]``, and how much, as as many numbers again.

    ``mean`` and ``std`` ``[1,D]`` are those of encodings.
    """

    def __init__(self, width: int, mean: Tensor | None = None, std: Tensor | None = None) -> None:
        self.width = width
        self.mean = torch.zeros(1, width) if mean is None else mean.reshape(1, width).float()
        self.std = torch.ones(1, width) if std is None else std.reshape(1, width).float()
        self._kept = torch.cumprod(1.0 - betas_of("squaredcos_cap_v2", _LEVELS, 0.0, 0.0), dim=0)

    def __call__(self, embeds: Tensor, amount: float, seed: int) -> Tensor:
        """``embeds`` with ``amount`` (0…1) of noise, ``[B,2D]``, float32."""
        level = round((_LEVELS - 1) * amount)
        noise = torch.randn(embeds.shape, generator=torch.Generator().manual_seed(seed % (1 << 63)))
        scaled = (embeds.float().cpu() - self.mean) / self.std
        kept = float(self._kept[level])
        noised = (kept**0.5 * scaled + (1.0 - kept) ** 0.5 * noise) * self.std + self.mean
        told = sinusoids(torch.full((embeds.shape[0],), float(level)), self.width)
        return torch.cat([noised, told], dim=1)

    def merged(self, pictures: Sequence[Mapping[str, Any]], seed: int) -> Tensor:
        """The vector ``[1,2D]`` for the pictures of a conditioning, each with its strength and its noise."""
        parts: list[Tensor] = []
        for picture in pictures:
            embeds = picture["clip_vision_output"].image_embeds
            if embeds.shape[-1] != self.width:
                raise ValueError(
                    f"this unCLIP model reads pictures as {self.width} numbers and got {embeds.shape[-1]}: use the "
                    "CLIP_VISION of its own checkpoint"
                )
            for one in embeds.split(1):
                parts.append(self(one, picture["noise_augmentation"], seed) * picture["strength"])
        if len(parts) == 1:
            return parts[0]
        together = torch.stack(parts).sum(dim=0)
        return self(together[:, : self.width], _MERGED, seed)


class StableUnCLIP(StableDiffusion):
    """Both sizes: for OpenCLIP-H's and for CLIP-L's view of pictures."""

    title = "Stable Diffusion 2 unCLIP"
    sampling_kind = "V_PREDICTION"

    def __init__(self, config: Mapping[str, Any], layout: Layout) -> None:
        super().__init__(config, layout)
        self.adm_channels = config["projection_class_embeddings_input_dim"]
        self.noise_augmentor = NoiseAugmentor(self.adm_channels // 2)

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        of_pictures = config.get("projection_class_embeddings_input_dim", 0) > 4
        return has_vector and of_pictures and config["down_block_types"][0] == "CrossAttnDownBlock2D"

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        pictures = given.get("unclip_conditioning")
        if not pictures:
            return torch.zeros(1, self.adm_channels)
        return self.noise_augmentor.merged(pictures, (given.get("seed") or 0) + _SEED_SHIFT)

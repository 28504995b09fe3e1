"""The picture a control network looks at: as large as what is sampled, as pixels or as latents, for each sample."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .. import memory


def filling(picture: Tensor, height: int, width: int, mode: str = "nearest-exact") -> Tensor:
    """``picture`` ``[B,C,H,W]`` cut from its middle to the shape of ``height × width`` and scaled to it."""
    old_height, old_width = picture.shape[-2:]
    if old_width / old_height > width / height:
        cut = round((old_width - old_height * width / height) / 2)
        picture = picture[..., cut : old_width - cut]
    elif old_width / old_height < width / height:
        cut = round((old_height - old_width * height / width) / 2)
        picture = picture[..., cut : old_height - cut, :]
    return functional.interpolate(picture, size=(height, width), mode=mode)


def for_batch(pictures: Tensor, batch: int, chunks: int) -> Tensor:
    """Pictures for a batch that holds ``chunks`` conditionings of the same samples."""
    if pictures.shape[0] == 1:
        return pictures
    each = batch // chunks
    if pictures.shape[0] < each:
        pictures = pictures.repeat([math.ceil(each / pictures.shape[0])] + [1] * (pictures.ndim - 1))
    pictures = pictures[:each]
    return pictures if each == batch else torch.cat([pictures] * chunks)


def as_latents(pixels: Tensor, vae: Any, latent_format: Any) -> Tensor:
    """Pictures ``[B,3,H,W]`` in 0…1 as latents ``[B,C,h,w]`` as a network sees them.

    The autoencoder may push models of the running sampling off the device; they are brought back.
    """
    running = [entry.model for entry in memory.current_loaded_models if entry.alive and entry.currently_used]
    images = pixels.movedim(1, -1)
    # Of a batch, an autoencoder for videos would make one.
    batches = [image[None] for image in images] if vae.latent_dim == 3 else [images]
    latents: Tensor = torch.cat([vae.encode(batch) for batch in batches])
    memory.load_models_gpu(running)
    latents = latent_format.process_in(latents)
    return latents[:, :, 0] if latents.ndim == 5 else latents


def with_masks(latents: Tensor, masks: list[Tensor]) -> Tensor:
    """``latents`` ``[B,C,h,w]`` with each of ``masks`` ``[B,1,H,W]`` as one more channel."""
    size = latents.shape[-2:]
    for mask in masks:
        scaled = filling(mask.to(latents), *size)
        latents = torch.cat(
            [latents, for_batch(scaled, latents.shape[0], 1).expand(latents.shape[0], -1, *size)], dim=1
        )
    return latents

"""Bringing batches together: repeating, matching sizes and channels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .resize import resize_image


def repeat_to(tensor: Tensor, count: int) -> Tensor:
    """The first ``count`` entries along the batch dimension, starting over as often as needed."""
    if tensor.shape[0] == count:
        return tensor
    repeats = -(-count // tensor.shape[0])
    return tensor.repeat(repeats, *[1] * (tensor.ndim - 1))[:count]


def hold_last(tensor: Tensor, count: int) -> Tensor:
    """``tensor`` lengthened to ``count`` entries by its last one."""
    missing = count - tensor.shape[0]
    return tensor if missing <= 0 else torch.cat([tensor, tensor[-1:].expand(missing, *tensor.shape[1:])])


def add_alpha(image: Tensor, channels: int) -> Tensor:
    """IMAGE with ``channels`` channels: missing ones are filled with 1 (opaque)."""
    return functional.pad(image, (0, channels - image.shape[-1]), value=1.0)


def same_channels(*images: Tensor) -> list[Tensor]:
    """The images, each with as many channels as the one that has most; a missing alpha is opaque."""
    most = max(image.shape[-1] for image in images)
    return [add_alpha(image, most) for image in images]


def fit_channels(source: Tensor, channels: int) -> Tensor:
    """``source`` with exactly ``channels`` channels: surplus ones cut, missing ones opaque."""
    return source[..., :channels] if source.shape[-1] >= channels else add_alpha(source, channels)


def join(images: list[Tensor], crop: str = "center") -> Tensor:
    """All images in one batch, at the size of the first (bilinear, cut to its aspect ratio)."""
    height, width = images[0].shape[1:3]
    sized = [
        image if image.shape[1:3] == (height, width) else resize_image(image, width, height, "bilinear", crop)
        for image in same_channels(*images)
    ]
    return torch.cat(sized)

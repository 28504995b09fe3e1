"""Changing the size of images, masks and latents, with the methods the scaling nodes offer."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...protocol.context import context
from .pictures import to_bytes

#: What the scaling nodes offer, in the order of their combo.
METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")


def crop_to_aspect(samples: Tensor, width: int, height: int) -> Tensor:
    """The largest centred part of ``samples`` ``[...,H,W]`` with the aspect ratio of ``width`` x ``height``, at least
    one pixel wide and high."""
    old_height, old_width = samples.shape[-2:]
    old_aspect, new_aspect = old_width / old_height, width / height
    x = y = 0
    if old_aspect > new_aspect:
        x = round((old_width - old_width * (new_aspect / old_aspect)) / 2)
    elif old_aspect < new_aspect:
        y = round((old_height - old_height * (old_aspect / new_aspect)) / 2)
    x, y = min(x, (old_width - 1) // 2), min(y, (old_height - 1) // 2)
    return samples[..., y : old_height - y, x : old_width - x]


def resize(samples: Tensor, width: int, height: int, method: str, crop: str = "disabled") -> Tensor:
    """``samples`` ``[B,C,H,W]`` (or ``[B,C,T,H,W]``, frame by frame) at a new size, same dtype.

    ``method`` is one of :data:`METHODS` or ``"bislerp"``; ``crop`` is ``"disabled"`` (stretch) or ``"center"`` (cut to
    the new aspect ratio first). Raises ``ValueError`` for a size below one pixel or an unknown method.
    """
    if width < 1 or height < 1:
        raise ValueError(f"an image cannot be resized to {width} x {height} pixels: both sides must be at least 1")
    if samples.ndim == 5:
        batch, channels, frames = samples.shape[:3]
        flat = samples.transpose(1, 2).reshape(batch * frames, channels, *samples.shape[3:])
        resized = resize(flat, width, height, method, crop)
        return resized.reshape(batch, frames, channels, height, width).transpose(1, 2)
    if crop == "center":
        samples = crop_to_aspect(samples, width, height)
    if method == "lanczos":
        return lanczos(samples, width, height)
    if method == "bislerp":
        return bislerp(samples, width, height)
    if method not in METHODS:
        raise ValueError(f"unknown scaling method {method!r}; known are {', '.join(METHODS)} and bislerp")
    return functional.interpolate(samples, size=(height, width), mode=method)


def resize_image(image: Tensor, width: int, height: int, method: str, crop: str = "disabled") -> Tensor:
    """:func:`resize` for an IMAGE ``[B,H,W,C]``."""
    return resize(image.movedim(-1, 1), width, height, method, crop).movedim(1, -1)


def resize_mask(mask: Tensor, width: int, height: int, method: str = "bilinear", crop: str = "disabled") -> Tensor:
    """:func:`resize` for a MASK ``[B,H,W]`` or ``[H,W]``; answers ``[B,H,W]``."""
    flat = mask.reshape(-1, 1, *mask.shape[-2:])
    return resize(flat, width, height, method, crop).squeeze(1)


def lanczos(samples: Tensor, width: int, height: int) -> Tensor:
    """Lanczos through 8-bit Pillow pictures, as ComfyUI does; for 1 to 4 channels."""
    resized = [_lanczos_one(sample, width, height) for sample in samples]
    return torch.stack(resized).to(samples.device, samples.dtype)


def _lanczos_one(sample: Tensor, width: int, height: int) -> Tensor:
    context().check_interrupted()
    pixels = to_bytes(sample.movedim(0, -1))
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    scaled = np.array(picture.resize((width, height), Image.Resampling.LANCZOS)).astype(np.float32) / 255.0
    tensor = torch.from_numpy(scaled)
    return tensor.unsqueeze(0) if tensor.ndim == 2 else tensor.movedim(-1, 0)


def bislerp(samples: Tensor, width: int, height: int) -> Tensor:
    """Bilinear in two passes that turn the channel vectors of pixels instead of averaging them.

    Averaging shortens vectors that point apart, which makes latents grey; turning keeps their length.
    """
    exact = samples.float()
    wide = _bislerp_axis(exact, width)
    tall = _bislerp_axis(wide.transpose(-1, -2), height).transpose(-1, -2)
    return tall.to(samples.dtype)


def _bislerp_axis(samples: Tensor, size: int) -> Tensor:
    """``samples`` ``[B,C,H,W]`` with ``W`` brought to ``size``."""
    old = samples.shape[-1]
    positions = torch.arange(old, dtype=torch.float32, device=samples.device).reshape(1, 1, 1, -1)
    where = functional.interpolate(positions, size=(1, size), mode="bilinear")
    ratio = where - where.floor()
    index = where.to(torch.int64)
    left = index.flatten()
    right_positions = torch.arange(old, dtype=torch.float32, device=samples.device).reshape(1, 1, 1, -1) + 1
    right_positions[..., -1] -= 1
    right = functional.interpolate(right_positions, size=(1, size), mode="bilinear").to(torch.int64).flatten()
    return slerp(samples[..., left], samples[..., right], ratio)


def slerp(start: Tensor, end: Tensor, ratio: Tensor) -> Tensor:
    """Turn the vectors along dim 1 from ``start`` to ``end`` by ``ratio`` (0..1); lengths change linearly."""
    start_norm, end_norm = start.norm(dim=1, keepdim=True), end.norm(dim=1, keepdim=True)
    start_unit = torch.where(start_norm == 0, torch.zeros_like(start), start / start_norm)
    end_unit = torch.where(end_norm == 0, torch.zeros_like(end), end / end_norm)
    dot = (start_unit * end_unit).sum(dim=1, keepdim=True)
    angle = dot.clamp(-1, 1).acos()
    sine = angle.sin()
    turned = (((1 - ratio) * angle).sin() / sine) * start_unit + ((ratio * angle).sin() / sine) * end_unit
    turned = turned * (start_norm * (1 - ratio) + end_norm * ratio)
    straight = start * (1 - ratio) + end * ratio
    # same direction: nothing to turn; opposite: no single shortest way, so fall back to the straight line
    return torch.where(dot > 1 - 1e-5, start, torch.where(dot < 1e-5 - 1, straight, turned))

"""Latents: matching sizes and batches, laying one over another, turning, operations on their vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .batches import repeat_to
from .filters import gaussian_kernel, mirror_pad
from .resize import resize

Latent = dict[str, Any]


def to_size(source: Tensor, like: Tensor, method: str = "bilinear") -> Tensor:
    """``source`` ``[B,C,…,h,w]`` at the height and width of ``like``, cut to its aspect ratio first."""
    if source.shape[1:] == like.shape[1:]:
        return source
    if source.shape[1] != like.shape[1]:
        raise ValueError(
            f"The two latents have {like.shape[1]} and {source.shape[1]} channels: they belong to different kinds of "
            "models and cannot be combined."
        )
    return resize(source, like.shape[-1], like.shape[-2], method, "center")


def to_shape(source: Tensor, like: Tensor) -> Tensor:
    """``source`` at the size and batch of ``like``."""
    return repeat_to(to_size(source, like), like.shape[0])


def composite_feathered(below: Tensor, above: Tensor, x: int, y: int, feather: int) -> Tensor:
    """``below`` ``[B,C,h,w]`` with ``above`` laid over it at (x, y); edges of ``above`` inside grow in over ``feather``
    latent pixels."""
    result = below.clone()
    above = above[:, :, : below.shape[2] - y, : below.shape[3] - x]
    if above.numel() == 0:
        return result
    height, width = above.shape[2:]
    mask = torch.ones_like(above)
    for step in range(feather):
        weight = (step + 1) / feather
        if y != 0:
            mask[:, :, step : step + 1, :] *= weight
        if y + height < below.shape[2]:
            mask[:, :, max(0, height - 1 - step) : height - step, :] *= weight
        if x != 0:
            mask[:, :, :, step : step + 1] *= weight
        if x + width < below.shape[3]:
            mask[:, :, :, max(0, width - 1 - step) : width - step] *= weight
    under = result[:, :, y : y + height, x : x + width]
    under.copy_(above * mask + under * (1.0 - mask))
    return result


def crop(samples: Tensor, width: int, height: int, x: int, y: int) -> Tensor:
    """A window of latent pixels; what would begin outside begins 8 before the edge."""
    x, y = min(x, max(0, samples.shape[-1] - 8)), min(y, max(0, samples.shape[-2] - 8))
    return samples[..., y : y + height, x : x + width]


def interpolate(first: Tensor, second: Tensor, ratio: float) -> Tensor:
    """Directions and lengths of the channel vectors mixed apart; ``ratio`` is the share of ``first``."""
    long_1, long_2 = (samples.norm(dim=1, keepdim=True) for samples in (first, second))
    unit_1, unit_2 = torch.nan_to_num(first / long_1), torch.nan_to_num(second / long_2)
    mixed = unit_1 * ratio + unit_2 * (1.0 - ratio)
    direction = torch.nan_to_num(mixed / mixed.norm(dim=1, keepdim=True))
    turned: Tensor = direction * (long_1 * ratio + long_2 * (1.0 - ratio))
    return turned


def tonemap_reinhard(latent: Tensor, multiplier: float) -> Tensor:
    """Channel vectors shortened by ``v / (v + 1)`` relative to five deviations above their mean length."""
    lengths = latent.norm(dim=1, keepdim=True) + 1e-10
    sides = tuple(range(1, lengths.ndim))
    deviation, mean = torch.std_mean(lengths, dim=sides, keepdim=True)
    top = (deviation * 5 + mean) * multiplier
    relative = lengths / top
    softened: Tensor = latent / lengths * (relative / (relative + 1.0) * top)
    return softened


def sharpen(latent: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
    """Directions of channel vectors sharpened by an unsharp mask; their lengths stay."""
    lengths = latent.norm(dim=1, keepdim=True) + 1e-6
    size = 2 * radius + 1
    kernel = gaussian_kernel(size, sigma, latent.device) * (alpha * -10)
    kernel[radius, radius] += 1.0 - kernel.sum()
    channels = latent.shape[1]
    weights = kernel.to(latent.dtype).expand(channels, 1, size, size)
    sharper: Tensor = functional.conv2d(mirror_pad(latent / lengths, radius), weights, groups=channels) * lengths
    return sharper


def places(latent: Latent) -> list[int]:
    """Where each latent of a batch was when its noise is drawn: ``batch_index``, or 0, 1, 2 …"""
    return list(latent.get("batch_index") or range(latent["samples"].shape[0]))


def repeat_batch(latent: Latent, amount: int) -> Latent:
    """The batch ``amount`` times over, with its masks and places."""
    samples: Tensor = latent["samples"]
    repeated = {**latent, "samples": samples.repeat(amount, *[1] * (samples.ndim - 1))}
    mask = latent.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        mask = repeat_to(mask, samples.shape[0])
        repeated["noise_mask"] = mask.repeat(amount, *[1] * (mask.ndim - 1))
    if "batch_index" in latent:
        known = latent["batch_index"]
        offset = max(known) - min(known) + 1
        repeated["batch_index"] = [place + turn * offset for turn in range(amount) for place in known]
    return repeated


def from_batch(latent: Latent, start: int, length: int) -> Latent:
    """``length`` latents from ``start`` on, as many as there are, with their masks and places."""
    samples: Tensor = latent["samples"]
    start = min(samples.shape[0] - 1, start)
    length = min(samples.shape[0] - start, length)
    part = {**latent, "samples": samples[start : start + length].clone()}
    mask = latent.get("noise_mask")
    if mask is not None:
        part["noise_mask"] = (
            mask.clone() if mask.shape[0] == 1 else repeat_to(mask, samples.shape[0])[start : start + length].clone()
        )
    part["batch_index"] = places(latent)[start : start + length]
    return part


def rebatch(latents: list[Latent], batch_size: int) -> list[Latent]:
    """The latents in batches of ``batch_size``; only those of one size share a batch."""
    singles: list[Latent] = []
    for latent in latents:
        singles += [from_batch(latent, index, 1) for index in range(latent["samples"].shape[0])]
    batches: list[Latent] = []
    group: list[Latent] = []
    for single in singles:
        if group and (len(group) == batch_size or group[0]["samples"].shape != single["samples"].shape):
            batches.append(_joined(group))
            group = []
        group.append(single)
    return [*batches, _joined(group)] if group else batches


def _joined(group: list[Latent]) -> Latent:
    joined = {
        "samples": torch.cat([latent["samples"] for latent in group]),
        "batch_index": [place for latent in group for place in latent["batch_index"]],
    }
    masks = [latent.get("noise_mask") for latent in group]
    known = [mask for mask in masks if mask is not None]
    if known:
        like = known[0]
        whole = [_mask_like(mask, like) for mask in masks]
        joined["noise_mask"] = torch.cat(whole)
    return joined


def _mask_like(mask: Tensor | None, like: Tensor) -> Tensor:
    if mask is None:
        return torch.ones_like(like[:1])
    if mask.shape[-2:] == like.shape[-2:]:
        return mask
    flat = mask.reshape(-1, 1, *mask.shape[-2:])
    return resize(flat, like.shape[-1], like.shape[-2], "bilinear").reshape(*mask.shape[:-2], *like.shape[-2:])

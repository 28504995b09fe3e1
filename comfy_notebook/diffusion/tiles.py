"""Functions applied to large pictures in overlapping tiles, blended where they overlap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any


def get_tiled_scale_steps(width: int, height: int, tile_x: int, tile_y: int, overlap: int) -> int:
    """How many tiles :func:`tiled_scale` works on."""
    return math.prod(_count(size, tile, overlap) for size, tile in ((width, tile_x), (height, tile_y)))


def _count(size: int, tile: int, overlap: int) -> int:
    return 1 if size <= tile else math.ceil((size - overlap) / (tile - overlap))


def tiled_scale(
    samples: Any,
    function: Callable[[Any], Any],
    tile_x: int = 64,
    tile_y: int = 64,
    overlap: int = 8,
    upscale_amount: float = 4,
    out_channels: int = 3,
    output_device: Any = "cpu",
    pbar: Any = None,
) -> Any:
    """``function`` over ``samples`` ``[B,C,H,W]`` tile by tile: ``[B,out_channels,H*upscale,W*upscale]``."""
    return tiled_scale_multidim(
        samples, function, (tile_y, tile_x), overlap, upscale_amount, out_channels, output_device, pbar=pbar
    )


def tiled_scale_multidim(
    samples: Any,
    function: Callable[[Any], Any],
    tile: Sequence[int] = (64, 64),
    overlap: int | Sequence[int] = 8,
    upscale_amount: Any = 4,
    out_channels: int = 3,
    output_device: Any = "cpu",
    downscale: bool = False,
    index_formulas: Any = None,
    pbar: Any = None,
) -> Any:
    """:func:`tiled_scale` over any number of dimensions. ``upscale_amount`` and ``index_formulas`` are numbers or
    functions of a length, one or one per dimension; ``downscale`` divides by them instead."""
    import torch

    dims = len(tile)
    overlaps = _each(overlap, dims)
    scales = [_scaling(amount, downscale) for amount in _each(upscale_amount, dims)]
    places = [_scaling(amount, downscale) for amount in _each(index_formulas, dims)] if index_formulas else scales
    sizes = [round(scale(size)) for scale, size in zip(scales, samples.shape[2:], strict=True)]
    output = torch.empty((samples.shape[0], out_channels, *sizes), device=output_device)
    for index in range(samples.shape[0]):
        sample = samples[index : index + 1]
        total = torch.zeros((1, out_channels, *sizes), device=output_device)
        weights = torch.zeros_like(total)
        for starts in itertools.product(*map(_starts, sample.shape[2:], tile, overlaps)):
            cut = (slice(None), slice(None), *(slice(s, s + t) for s, t in zip(starts, tile, strict=True)))
            made = function(sample[cut]).to(output_device)
            feathers = [max(1, round(scale(lap))) for scale, lap in zip(scales, overlaps, strict=True)]
            at = [round(place(start)) for place, start in zip(places, starts, strict=True)]
            mask = _feathered(made, feathers)
            where = (slice(None), slice(None), *(slice(a, a + n) for a, n in zip(at, made.shape[2:], strict=True)))
            total[where] += made * mask
            weights[where] += mask
            if pbar is not None:
                pbar.update(1)
        output[index : index + 1] = total / weights
    return output


def _each(value: Any, dims: int) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * dims


def _scaling(amount: Any, downscale: bool) -> Callable[[float], float]:
    if callable(amount):
        return amount  # type: ignore[no-any-return]
    return (lambda size: size / amount) if downscale else (lambda size: size * amount)


def _starts(size: int, tile: int, overlap: int) -> list[int]:
    """Tiles keep their distance, as in ComfyUI: the last one is cut off where the picture ends."""
    return [0] if size <= tile else list(range(0, size - overlap, tile - overlap))


def _feathered(tile: Any, feathers: Sequence[int]) -> Any:
    """Weights that rise from each edge of a tile over the overlap; in a tile narrower than two of them both count."""
    import torch

    mask = torch.ones_like(tile)
    for dim, feather in enumerate(feathers, start=2):
        length = tile.shape[dim]
        if feather >= length:
            continue
        ramp = torch.arange(1, length + 1, device=tile.device, dtype=tile.dtype)
        rising = (ramp / feather).clamp(max=1.0)
        weight = rising * rising.flip(0)
        mask = mask * weight.reshape([-1 if axis == dim else 1 for axis in range(tile.ndim)])
    return mask

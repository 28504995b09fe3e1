"""Masks at the size of latents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def repeat_to_batch_size(tensor: Tensor, batch_size: int, dim: int = 0) -> Tensor:
    """``tensor`` repeated or cut along ``dim`` to ``batch_size``."""
    size = tensor.shape[dim]
    if size < batch_size:
        repeats = [1] * tensor.ndim
        repeats[dim] = math.ceil(batch_size / size)
        tensor = tensor.repeat(repeats)
    return tensor.narrow(dim, 0, batch_size)


def reshape_mask(input_mask: Tensor, output_shape: Sequence[int]) -> Tensor:
    """A mask ``[B,…]`` at the size, channels and batch of ``output_shape`` ``[B,C,…]``."""
    dims = len(output_shape) - 2
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[dims]
    if dims == 3 and input_mask.ndim < 5:
        input_mask = input_mask.reshape(1, 1, -1, *input_mask.shape[-2:])
    elif input_mask.ndim < len(output_shape):
        input_mask = input_mask.reshape(-1, 1, *input_mask.shape[-dims:])
    mask = functional.interpolate(input_mask, size=tuple(output_shape[2:]), mode=mode)
    if mask.shape[1] < output_shape[1]:
        mask = mask.repeat(1, output_shape[1], *[1] * dims)[:, : output_shape[1]]
    return repeat_to_batch_size(mask, output_shape[0])


def conditioning_mask(mask: Tensor, sides: Sequence[int]) -> Tensor:
    """A mask of a conditioning, ``[H,W]``, ``[B,H,W]`` or ``[B,T,H,W]``, as ``[B,*sides]``."""
    if mask.ndim == len(sides):
        mask = mask.unsqueeze(0)
    if tuple(mask.shape[1:]) == tuple(sides):
        return mask
    if mask.ndim < 4:
        scaled = functional.interpolate(mask.unsqueeze(1), size=tuple(sides[-2:]), mode="bilinear").squeeze(1)
        return scaled if len(sides) == 2 else scaled.unsqueeze(1).expand(-1, *sides)
    return functional.interpolate(mask, size=tuple(sides[-2:]), mode="bilinear")


def bounds(mask: Tensor) -> tuple[int, ...]:
    """What of ``mask`` ``[B,H,W]`` is not zero, as an area ``(height, width, y, x)``, at least 8 on a side."""
    set_anywhere = mask.abs().amax(dim=0) > 0
    if not bool(set_anywhere.any()):
        return (8, 8, 0, 0)
    rows, columns = set_anywhere.any(dim=1).nonzero(), set_anywhere.any(dim=0).nonzero()
    top, bottom, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    return (max(8, bottom - top + 1), max(8, right - left + 1), top, left)


def prepare_mask(noise_mask: Tensor, shape: Sequence[int], device: Any) -> Tensor:
    """A LATENT's ``noise_mask`` for latents of ``shape``, on ``device``."""
    return reshape_mask(noise_mask, shape).to(device)

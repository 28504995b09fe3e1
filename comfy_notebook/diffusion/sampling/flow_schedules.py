"""Schedules of rectified-flow models whose shift follows from the size of what is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def count_tokens(latent: dict[str, Any] | None) -> int:
    """Latent pixels (and frames) of a LATENT; 4096 for None."""
    return 4096 if latent is None else math.prod(latent["samples"].shape[2:])


def shift_for(tokens: float, base_shift: float, max_shift: float, base_tokens: int, max_tokens: int) -> float:
    """The shift on the line through ``(base_tokens, base_shift)`` and ``(max_tokens, max_shift)``."""
    slope = (max_shift - base_shift) / (max_tokens - base_tokens)
    return tokens * slope + base_shift - slope * base_tokens


def shifted(steps: int, shift: float, terminal: float | None = None) -> Tensor:
    """Even levels from 1 to 0 shifted by ``exp(shift)``; with ``terminal`` stretched so that the last above 0 is it."""
    even = torch.linspace(1.0, 0.0, steps + 1)
    levels = torch.where(even != 0, math.exp(shift) / (math.exp(shift) + (1 / even - 1)), 0)
    if terminal is not None:
        kept = 1.0 - levels[levels != 0]
        if kept[-1] > 0:
            levels[levels != 0] = 1.0 - kept / (kept[-1] / (1.0 - terminal))
    return levels


def flux2(steps: int, tokens: int) -> Tensor:
    """Levels for Flux.2: the shift was fitted to ``tokens`` of the picture at 10 and at 200 steps."""
    many = 0.00016927 * tokens + 0.45666666
    few = 8.73809524e-05 * tokens + 1.89833333
    slope = (many - few) / 190.0
    return shifted(steps, many if tokens > 4300 else slope * steps + many - 200.0 * slope)

"""Noise levels that were found by optimisation and published as numbers."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .curves import log_linear

if TYPE_CHECKING:
    from torch import Tensor

#: Sabour, Fidler and Kreis 2024, "Align Your Steps": ten steps.
ALIGN_YOUR_STEPS: dict[str, tuple[float, ...]] = {
    "SD1": (
        *(14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092),
        *(0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582),
    ),
    "SDXL": (
        *(14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141),
        *(0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582),
    ),
    "SVD": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}
#: Pei et al. 2025, "Optimal Stepsize for Diffusion Sampling".
OPTIMAL_STEPS: dict[str, tuple[float, ...]] = {
    "FLUX": (0.9968, 0.9886, 0.9819, 0.975, 0.966, 0.9471, 0.9158, 0.8287, 0.5512, 0.2808, 0.001),
    "Wan": (
        *(1.0, 0.997, 0.995, 0.993, 0.991, 0.989, 0.987, 0.985, 0.98, 0.975, 0.973),
        *(0.968, 0.96, 0.946, 0.927, 0.902, 0.864, 0.776, 0.539, 0.208, 0.001),
    ),
    "Chroma": (
        *(0.992, 0.99, 0.988, 0.985, 0.982, 0.978, 0.973, 0.968, 0.961, 0.953, 0.943, 0.931, 0.917, 0.9),
        *(0.881, 0.858, 0.832, 0.802, 0.769, 0.731, 0.69, 0.646, 0.599, 0.55, 0.501, 0.451, 0.402, 0.355),
        *(0.311, 0.27, 0.232, 0.199, 0.169, 0.143, 0.12, 0.101, 0.084, 0.07, 0.058, 0.048, 0.001),
    ),
}


@functools.cache
def _gits() -> Any:
    """``levels`` from the highest, and by coefficient and number of ``steps`` the places of theirs in it."""
    return json.loads(Path(__file__).with_name("gits_levels.json").read_text())


def gits(coeff: float, steps: int) -> list[float]:
    """Levels of Chen et al. 2024, "On the Trajectory Regularity of ODE-based Diffusion Sampling" (GITS), with the
    numbers that stable-diffusion.cpp publishes under the MIT licence.

    ``coeff``, 0.80 to 1.50 in steps of 0.05, says how much small levels count. From 2 to 20 steps they were found by
    optimisation; where a number of steps is missing they are those of the next larger one, to be interpolated.
    """
    table = _gits()
    rows = table["steps"][f"{min(max(round(coeff * 20) / 20, 0.8), 1.5):.2f}"]
    known = [int(count) for count in rows]
    chosen = min((count for count in known if count >= steps), default=max(known))
    return [table["levels"][place] for place in rows[str(chosen)]]


def sigmas(levels: Sequence[float], steps: int, denoise: float = 1.0) -> Tensor:
    """The last ``denoise`` of ``steps`` steps on the log-linear curve through ``levels``, ending with 0."""
    if denoise <= 0.0:
        return torch.FloatTensor([])
    walked = round(steps * denoise) if denoise < 1.0 else steps
    chosen = list(levels) if steps + 1 == len(levels) else log_linear(list(levels), steps + 1)
    return torch.FloatTensor([*chosen[-(walked + 1) : -1], 0.0])

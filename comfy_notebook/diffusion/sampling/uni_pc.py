"""UniPC: predictor and corrector of one form, for any order. Zhao et al. 2023, arXiv 2302.04867.

Custom nodes import this module as ``comfy.extra_samplers.uni_pc``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .solvers.common import Callback, Denoiser, ExtraArgs

if TYPE_CHECKING:
    from torch import Tensor

#: What stands for a last sigma of 0, whose log SNR is infinite.
_LAST_SIGMA = 0.001


class _Level:
    """A sigma in the variance-preserving scale.

    In single precision on purpose: at the last sigma ``1 - alpha**2`` has few digits left, and same seeds are to give
    the pictures that they give elsewhere.
    """

    def __init__(self, sigma: Tensor) -> None:
        self.sigma = sigma
        log_alpha = 0.5 * torch.log(1 / (sigma * sigma + 1))
        self.alpha = torch.exp(log_alpha)
        noise = 1.0 - torch.exp(2.0 * log_alpha)
        self.std = torch.sqrt(noise)
        self.half_log_snr = log_alpha - 0.5 * torch.log(noise)


class _History:
    """Levels and denoised latents of the steps so far; the newest last."""

    def __init__(self, variant: str) -> None:
        self.variant = variant
        self.levels: list[_Level] = []
        self.denoised: list[Tensor] = []

    def note(self, level: _Level, denoised: Tensor) -> None:
        self.levels, self.denoised = [*self.levels, level][-3:], [*self.denoised, denoised][-3:]

    def update(self, x: Tensor, level: _Level, order: int, denoised: Tensor | None = None) -> Tensor:
        """``x`` (at the newest level noted) at ``level``: predicted, or corrected where ``denoised`` of it is known."""
        newest, here = self.levels[-1], self.denoised[-1]
        h = level.half_log_snr - newest.half_log_snr
        fractions = [(self.levels[-1 - k].half_log_snr - newest.half_log_snr) / h for k in range(1, order)]
        slopes = [(self.denoised[-1 - k] - here) / r for k, r in enumerate(fractions, 1)]
        if denoised is not None:
            fractions, slopes = [*fractions, torch.ones_like(h)], [*slopes, denoised - here]
        base = level.std / newest.std * x - level.alpha * torch.expm1(-h) * here
        if slopes:
            size = -h if self.variant == "bh1" else torch.expm1(-h)
            weights = _weights(fractions, -h, size)
            change = sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
            base = base - level.alpha * size * change
        return base


def _weights(fractions: list[Tensor], hh: Tensor, size: Tensor) -> list[Any]:
    """Solutions of the order conditions for steps at ``fractions`` of the way; a single one weighs a half."""
    if len(fractions) <= 1:
        return [0.5] * len(fractions)
    phi, factorial = torch.expm1(hh) / hh - 1, 1
    rows, right = [], []
    for power in range(len(fractions)):
        rows.append(torch.stack([fraction**power for fraction in fractions]))
        right.append(phi * factorial / size)
        factorial *= power + 2
        phi = phi / hh - 1 / factorial
    return list(torch.linalg.solve(torch.stack(rows), torch.stack(right)))


@torch.no_grad()
def sample_unipc(
    model: Any,
    noise: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = False,
    variant: str = "bh1",
) -> Tensor:
    """Third order where there are steps enough; ``variant`` is ``bh1`` or ``bh2``."""
    sigmas = sigmas.clone()
    if sigmas[-1] == 0:
        sigmas[-1] = _LAST_SIGMA
    levels = [_Level(sigma) for sigma in sigmas]
    steps = len(levels) - 1
    highest = max(1, min(3, steps - 1))
    denoise = Denoiser(model, noise, extra_args, callback)
    history = _History(variant)

    def evaluate(index: int, x: Tensor) -> Tensor:
        """The denoised latent, by way of the noise that the model sees."""
        sigma, level = sigmas[index], levels[index]
        scaled = x * torch.sqrt(1.0 + sigma**2)
        noise_seen = (scaled - denoise(scaled, sigma)) / sigma
        denoised = (x - level.std * noise_seen) / level.alpha
        denoise.report(index, x, sigma, sigma, denoised)
        return denoised

    x = noise / torch.sqrt(1.0 + sigmas[0] ** 2)
    history.note(levels[0], evaluate(0, x))
    for k in range(1, steps + 1):
        order = k if k < highest else min(highest, steps + 1 - k)
        predicted = history.update(x, levels[k], order)
        if k == steps:
            return predicted / levels[-1].alpha
        denoised = evaluate(k, predicted)
        x = history.update(x, levels[k], order, denoised)
        history.note(levels[k], denoised)
    return noise


@torch.no_grad()
def sample_unipc_bh2(
    model: Any,
    noise: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = False,
) -> Tensor:
    """:func:`sample_unipc` of variant ``bh2``."""
    return sample_unipc(model, noise, sigmas, extra_args, callback, disable, variant="bh2")

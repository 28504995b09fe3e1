"""SEEDS: exponential integrators of the reverse SDE in two and three stages. Gonzalez et al. 2023, arXiv 2305.14267."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import (
    Callback,
    Denoiser,
    ExtraArgs,
    half_log_snr_to_sigma,
    model_sampling_of,
    offset_first_sigma_for_snr,
    sigma_to_half_log_snr,
)

if TYPE_CHECKING:
    from torch import Tensor


class _Step:
    """One step from ``sigma`` to ``sigma_next``, looked at in fractions of its way in log SNR.

    The noise at a fraction is made of one independent draw for each stretch before it, each damped by what follows.
    """

    def __init__(self, sigma: Tensor, sigma_next: Tensor, eta: float, s_noise: float, sampling: Any) -> None:
        self.sigma, self.eta, self.s_noise, self.sampling = sigma, eta, s_noise, sampling
        self.start = sigma_to_half_log_snr(sigma, sampling)
        self.end = sigma_to_half_log_snr(sigma_next, sampling)
        self.h = self.end - self.start
        self.h_eta = self.h * (eta + 1)

    def level(self, r: float) -> Tensor:
        """The sigma at fraction ``r``."""
        return half_log_snr_to_sigma(torch.lerp(self.start, self.end, r), self.sampling)

    def alpha(self, r: float) -> Tensor:
        return self.level(r) * torch.lerp(self.start, self.end, r).exp()

    def drift(self, r: float, x: Tensor, denoised: Tensor) -> Tensor:
        """First order, without noise."""
        decay = (-r * self.h * self.eta).exp()
        return self.level(r) / self.sigma * decay * x - self.alpha(r) * (-r * self.h_eta).expm1() * denoised

    def bend(self, r: float) -> Tensor:
        """What multiplies the slope of the denoised latent (a difference over a fraction ``r``)."""
        return self.alpha(r) * ((-r * self.h_eta).expm1() / (r * self.h_eta) + 1)

    def noise(self, fractions: list[float], draws: list[Tensor]) -> Any:
        """The noise at the last of ``fractions``, from one draw for each stretch between them."""
        r = fractions[-1]
        if not draws:
            return 0.0
        made: Any = 0.0
        before = 0.0
        for fraction, draw in zip(fractions, draws, strict=True):
            after_start, after_end = r - before, r - fraction
            rate = -2 * self.h * self.eta
            made = made + ((after_end * rate).exp() - (after_start * rate).exp()).sqrt() * draw
            before = fraction
        return made * self.level(r) * self.s_noise


@torch.no_grad()
def sample_seeds_2(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    r: float = 0.5,
    solver_type: str = "phi_1",
) -> Tensor:
    """Two calls a step; ``solver_type`` is ``phi_1`` or ``phi_2``."""
    if solver_type not in ("phi_1", "phi_2"):
        raise ValueError(f"solver_type is 'phi_1' or 'phi_2', not {solver_type!r}")
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = denoised
            continue
        step = _Step(sigmas[i], sigmas[i + 1], eta, s_noise, sampling)
        middle = step.level(r)
        stochastic = eta > 0 and s_noise > 0
        draws = [noise(sigmas[i], middle), noise(middle, sigmas[i + 1])] if stochastic else []
        x_2 = step.drift(r, x, denoised) + step.noise([r], draws[:1])
        denoised_2 = denoise(x_2, middle)
        if solver_type == "phi_1":
            weight = 1 / (2 * r)
            x = step.drift(1.0, x, (1 - weight) * denoised + weight * denoised_2)
        else:
            x = step.drift(1.0, x, denoised) + step.bend(1.0) / r * (denoised_2 - denoised)
        x = x + step.noise([r, 1.0], draws)
    return x


@torch.no_grad()
def sample_seeds_3(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    r_1: float = 1.0 / 3,
    r_2: float = 2.0 / 3,
) -> Tensor:
    """Three calls a step."""
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = denoised
            continue
        step = _Step(sigmas[i], sigmas[i + 1], eta, s_noise, sampling)
        first, second = step.level(r_1), step.level(r_2)
        draws = []
        if eta > 0 and s_noise > 0:
            draws = [noise(sigmas[i], first), noise(first, second), noise(second, sigmas[i + 1])]
        x_2 = step.drift(r_1, x, denoised) + step.noise([r_1], draws[:1])
        slope = (denoise(x_2, first) - denoised) * (r_2 / r_1)
        x_3 = step.drift(r_2, x, denoised) + step.bend(r_2) * slope + step.noise([r_1, r_2], draws[:2])
        slope = (denoise(x_3, second) - denoised) / r_2
        x = step.drift(1.0, x, denoised) + step.bend(1.0) * slope + step.noise([r_1, r_2, 1.0], draws)
    return x

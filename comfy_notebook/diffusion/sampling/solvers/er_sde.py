"""ER-SDE-Solver: the reverse SDE with a chosen amount of noise. Cui et al. 2023, arXiv 2309.06169."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import (
    Callback,
    Denoiser,
    ExtraArgs,
    model_sampling_of,
    offset_first_sigma_for_snr,
    sigma_to_half_log_snr,
)

if TYPE_CHECKING:
    from torch import Tensor

_POINTS = 200


def default_er_sde_noise_scaler(x: Tensor) -> Tensor:
    """The noise scaling function that the paper found best ("ER SDE 5")."""
    return x * ((x**0.3).exp() + 10.0)


@torch.no_grad()
def sample_er_sde(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    noise_scaler: Callable[[Tensor], Tensor] | None = None,
    max_stage: int = 3,
) -> Tensor:
    """Orders 1 to ``max_stage`` (at most 3) by differences of the denoised latents."""
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    scaler = noise_scaler or default_er_sde_noise_scaler
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    levels = sigma_to_half_log_snr(sigmas, sampling).neg().exp()  # sigma / alpha
    points = torch.arange(0, _POINTS, dtype=torch.float32, device=x.device)
    previous = previous_d = None
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        start, end = levels[i], levels[i + 1]
        alpha_start, alpha_end = sigmas[i] / start, sigmas[i + 1] / end
        r = scaler(end) / scaler(start)
        x = alpha_end / alpha_start * r * x + alpha_end * (1 - r) * denoised
        if previous is not None and max_stage >= 2:
            dt = end - start
            width = -dt / _POINTS
            places = end + points * width
            scaled = scaler(places)
            d = (denoised - previous) / (start - levels[i - 1])
            x = x + alpha_end * (dt + (1 / scaled).sum() * width * scaler(end)) * d
            if previous_d is not None and max_stage >= 3:
                second = (d - previous_d) / ((start - levels[i - 2]) / 2)
                area = ((places - start) / scaled).sum() * width
                x = x + alpha_end * (dt**2 / 2 + area * scaler(end)) * second
            previous_d = d
        if s_noise > 0:
            spread = (end**2 - start**2 * r**2).sqrt().nan_to_num(nan=0.0)
            x = x + alpha_end * noise(sigmas[i], sigmas[i + 1]) * s_noise * spread
        previous = denoised
    return x

"""Steps that forget where they came from: DDPM (Ho et al. 2020) and latent consistency models (Luo et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import Callback, Denoiser, ExtraArgs

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def sample_ddpm(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """Samples of the posterior, in the variance-preserving scale."""
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        sigma, following = sigmas[i], sigmas[i + 1]
        kept, kept_next = 1 / (sigma * sigma + 1), 1 / (following * following + 1)
        alpha = kept / kept_next
        eps = (x - denoised) / sigma
        x = (1.0 / alpha).sqrt() * (x / torch.sqrt(1.0 + sigma**2) - (1 - alpha) * eps / (1 - kept).sqrt())
        if following > 0:
            spread = ((1 - alpha) * (1.0 - kept_next) / (1.0 - kept)).sqrt()
            x = (x + spread * noise(sigma, following)) * torch.sqrt(1.0 + following**2)
    return x


@torch.no_grad()
def sample_lcm(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    noise_sampler: NoiseSampler | None = None,
    s_noise: float = 1.0,
    s_noise_end: float | None = None,
    noise_clip_std: float = 0.0,
) -> Tensor:
    """The denoised latent with fresh noise of the next level, again and again.

    The noise is multiplied by ``s_noise`` at first and by ``s_noise_end`` at last, and clipped beyond
    ``noise_clip_std`` deviations (0: not at all).
    """
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    sampling = model.inner_model.inner_model.model_sampling
    last = max(1, int((sigmas > 0).sum()) - 2)
    growth = 0.0 if s_noise_end is None else (s_noise_end - s_noise) / last
    for i in range(len(sigmas) - 1):
        x = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] > 0:
            drawn = noise(sigmas[i], sigmas[i + 1])
            if noise_clip_std > 0:
                drawn = drawn.clamp(-noise_clip_std, noise_clip_std)
            x = sampling.noise_scaling(sigmas[i + 1], drawn * (s_noise + growth * i), x)
    return x

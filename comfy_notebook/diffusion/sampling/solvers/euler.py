"""Euler steps: plain, ancestral, and guided by CFG++ (Chung et al. 2024)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import (
    Callback,
    Churn,
    Denoiser,
    ExtraArgs,
    UncondDenoiser,
    churned,
    flow_ancestral_step,
    get_ancestral_step,
    is_flow,
    model_sampling_of,
    sigma_to_half_log_snr,
    to_d,
)

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def sample_euler(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = math.inf,
    s_noise: float = 1.0,
) -> Tensor:
    """Karras et al. 2022, algorithm 2, with Euler steps."""
    denoise = Denoiser(model, x, extra_args, callback)
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise)
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, churn)
        denoised = denoise.step(i, x, sigma_hat, sigmas[i])
        x = x + to_d(x, sigma_hat, denoised) * (sigmas[i + 1] - sigma_hat)
    return x


@torch.no_grad()
def sample_euler_ancestral(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """Euler steps to below the next sigma, and fresh noise back up to it."""
    if is_flow(model_sampling_of(model)):
        return sample_euler_ancestral_RF(model, x, sigmas, extra_args, callback, disable, eta, s_noise, noise_sampler)
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        if down == 0:
            x = denoised
        else:
            x = x + to_d(x, sigmas[i], denoised) * (down - sigmas[i])
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
    return x


@torch.no_grad()
def sample_euler_ancestral_RF(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """Ancestral Euler steps for rectified flow: the latent is scaled so that data keep their factor ``1 - sigma``."""
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = denoised
            continue
        down, scale, renoise = flow_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        ratio = down / sigmas[i]
        x = ratio * x + (1 - ratio) * denoised
        if eta > 0:
            x = scale * x + noise(sigmas[i], sigmas[i + 1]) * s_noise * renoise
    return x


@torch.no_grad()
def sample_euler_cfg_pp(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
) -> Tensor:
    """CFG++ with Euler steps."""
    return sample_euler_ancestral_cfg_pp(model, x, sigmas, extra_args, callback, disable, eta=0.0, s_noise=0.0)


@torch.no_grad()
def sample_euler_ancestral_cfg_pp(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """CFG++: the direction of the steps is that of the unguided prediction."""
    denoise = UncondDenoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    sampling = model_sampling_of(model)
    for i in range(len(sigmas) - 1):
        sigma, target = sigmas[i], sigmas[i + 1]
        denoised = denoise.step(i, x, sigma)
        if target == 0:
            return denoised
        alpha, alpha_target = (level * sigma_to_half_log_snr(level, sampling).exp() for level in (sigma, target))
        d = to_d(x, sigma, alpha * denoise.uncond)
        down, up = get_ancestral_step(sigma / alpha, target / alpha_target, eta=eta)
        x = alpha_target * denoised + alpha_target * down * d
        if eta > 0 and s_noise > 0:
            x = x + alpha_target * noise(sigma, target) * s_noise * up
    return x

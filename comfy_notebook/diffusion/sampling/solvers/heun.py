"""Steps of second order and more that look ahead: Heun's method, its weighted form, and DPM-Solver-2."""

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
    churned,
    flow_ancestral_step,
    get_ancestral_step,
    is_flow,
    model_sampling_of,
    to_d,
)

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def sample_heun(
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
    """Karras et al. 2022, algorithm 2."""
    denoise = Denoiser(model, x, extra_args, callback)
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise)
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, churn)
        denoised = denoise.step(i, x, sigma_hat, sigmas[i])
        d = to_d(x, sigma_hat, denoised)
        dt = sigmas[i + 1] - sigma_hat
        if sigmas[i + 1] != 0:
            ahead = x + d * dt
            d = (d + to_d(ahead, sigmas[i + 1], denoise(ahead, sigmas[i + 1]))) / 2
        x = x + d * dt
    return x


@torch.no_grad()
def sample_heunpp2(
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
    """Heun++: derivatives up to two steps ahead, weighted by their sigmas; Euler and Heun for the last two steps."""
    denoise = Denoiser(model, x, extra_args, callback)
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise)
    last = sigmas[-1]
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, churn)
        denoised = denoise.step(i, x, sigma_hat, sigmas[i])
        d = to_d(x, sigma_hat, denoised)
        dt = sigmas[i + 1] - sigma_hat
        if sigmas[i + 1] == last:
            x = x + d * dt
            continue
        ahead = x + d * dt
        d_2 = to_d(ahead, sigmas[i + 1], denoise(ahead, sigmas[i + 1]))
        if sigmas[i + 2] == last:
            w_2 = sigmas[i + 1] / (2 * sigmas[0])
            x = x + (d * (1 - w_2) + d_2 * w_2) * dt
            continue
        further = ahead + d_2 * (sigmas[i + 2] - sigmas[i + 1])
        d_3 = to_d(further, sigmas[i + 2], denoise(further, sigmas[i + 2]))
        w_2, w_3 = sigmas[i + 1] / (3 * sigmas[0]), sigmas[i + 2] / (3 * sigmas[0])
        x = x + (d * (1 - w_2 - w_3) + d_2 * w_2 + d_3 * w_3) * dt
    return x


@torch.no_grad()
def sample_dpm_2(
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
    """DPM-Solver-2 with the noise of Karras et al. 2022."""
    denoise = Denoiser(model, x, extra_args, callback)
    churn = Churn(s_churn, s_tmin, s_tmax, s_noise)
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, churn)
        denoised = denoise.step(i, x, sigma_hat, sigmas[i])
        x = _midpoint_step(denoise, x, denoised, sigma_hat, sigmas[i + 1])
    return x


def _midpoint_step(denoise: Denoiser, x: Tensor, denoised: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
    """From ``sigma`` to ``target`` along the derivative at the middle of their logs."""
    d = to_d(x, sigma, denoised)
    if target == 0:
        return x + d * (target - sigma)
    middle = sigma.log().lerp(target.log(), 0.5).exp()
    x_2 = x + d * (middle - sigma)
    return x + to_d(x_2, middle, denoise(x_2, middle)) * (target - sigma)


@torch.no_grad()
def sample_dpm_2_ancestral(
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
    """DPM-Solver-2 steps to below the next sigma, and fresh noise back up to it."""
    flow = is_flow(model_sampling_of(model))
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        scale: Any = 1.0
        if flow:
            down, scale, up = flow_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        else:
            down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        x = _midpoint_step(denoise, x, denoised, sigmas[i], down)
        if down != 0:
            x = scale * x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
    return x

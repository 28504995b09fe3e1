"""DPM-Solver++ without a Brownian tree: 2S ancestral and 2M, also guided by CFG++. Lu et al. 2022, arXiv 2211.01095."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import (
    Callback,
    Denoiser,
    ExtraArgs,
    UncondDenoiser,
    flow_ancestral_step,
    get_ancestral_step,
    is_flow,
    model_sampling_of,
    to_d,
)

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def sample_dpmpp_2s_ancestral(
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
    """Single steps of second order to below the next sigma, and fresh noise back up to it."""
    if is_flow(model_sampling_of(model)):
        return sample_dpmpp_2s_ancestral_RF(
            model, x, sigmas, extra_args, callback, disable, eta, s_noise, noise_sampler
        )
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        if down == 0:
            x = x + to_d(x, sigmas[i], denoised) * (down - sigmas[i])
        else:
            t, t_next = -sigmas[i].log(), -down.log()
            h = t_next - t
            middle = (-(t + 0.5 * h)).exp()
            x_2 = (middle / (-t).exp()) * x - (-h * 0.5).expm1() * denoised
            denoised_2 = denoise(x_2, middle)
            x = ((-t_next).exp() / (-t).exp()) * x - (-h).expm1() * denoised_2
        if sigmas[i + 1] > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
    return x


@torch.no_grad()
def sample_dpmpp_2s_ancestral_RF(
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
    """The same for rectified flow; the middle of a step is that of log SNR."""
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = x + to_d(x, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i])
            continue
        down, scale, up = flow_ancestral_step(sigmas[i], sigmas[i + 1], eta)
        if sigmas[i] == 1.0:
            middle = sigmas[i].new_tensor(0.9999)
        else:
            t, t_next = ((1 - sigmas[i]) / sigmas[i]).log(), ((1 - down) / down).log()
            middle = 1 / ((t + 0.5 * (t_next - t)).exp() + 1)
        ratio = middle / sigmas[i]
        denoised_2 = denoise(ratio * x + (1 - ratio) * denoised, middle)
        ratio = down / sigmas[i]
        x = ratio * x + (1 - ratio) * denoised_2
        if eta > 0:
            x = scale * x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
    return x


@torch.no_grad()
def sample_dpmpp_2s_ancestral_cfg_pp(
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
    """CFG++ with single steps of second order."""
    denoise = UncondDenoiser(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        if down == 0:
            x = denoised + to_d(x, sigmas[i], denoise.uncond) * down
        else:
            t, t_next = -sigmas[i].log(), -down.log()
            h = t_next - t
            middle = (-(t + 0.5 * h)).exp()
            x_2 = (middle / (-t).exp()) * (x + (denoised - denoise.uncond)) - (-h * 0.5).expm1() * denoised
            denoised_2 = denoise(x_2, middle)
            x = ((-t_next).exp() / (-t).exp()) * (x + (denoised - denoise.uncond)) - (-h).expm1() * denoised_2
        if sigmas[i + 1] > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
    return x


@torch.no_grad()
def sample_dpmpp_2m(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
) -> Tensor:
    """Multistep of second order."""
    denoise = Denoiser(model, x, extra_args, callback)
    previous = None
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        t, t_next = -sigmas[i].log(), -sigmas[i + 1].log()
        h = t_next - t
        target = denoised
        if previous is not None and sigmas[i + 1] != 0:
            r = (t + sigmas[i - 1].log()) / h
            target = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * previous
        x = ((-t_next).exp() / (-t).exp()) * x - (-h).expm1() * target
        previous = denoised
    return x


@torch.no_grad()
def sample_dpmpp_2m_cfg_pp(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
) -> Tensor:
    """CFG++ with multisteps of second order."""
    denoise = UncondDenoiser(model, x, extra_args, callback)
    previous_uncond = None
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        t, t_next = -sigmas[i].log(), -sigmas[i + 1].log()
        h = t_next - t
        if previous_uncond is None or sigmas[i + 1] == 0:
            mixed = -torch.exp(-h) * denoise.uncond
        else:
            r = (t + sigmas[i - 1].log()) / h
            mixed = -torch.exp(-h) * denoise.uncond - (-h).expm1() * (1 / (2 * r)) * (denoised - previous_uncond)
        x = denoised + mixed + torch.exp(-h) * x
        previous_uncond = denoise.uncond
    return x

"""Refined exponential solver in multistep form (Zhang et al. 2023, arXiv 2308.02157), and gradient estimation
(Permenter and Yuan 2024, arXiv 2306.04848), each also guided by CFG++."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import Callback, Denoiser, ExtraArgs, UncondDenoiser, get_ancestral_step, to_d

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def res_multistep(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    eta: float = 1.0,
    cfg_pp: bool = False,
) -> Tensor:
    """Exponential Adams-Bashforth of second order; the first step and the last are Euler steps."""
    denoise = (UncondDenoiser if cfg_pp else Denoiser)(model, x, extra_args, callback)
    noise = noise_sampler or default_noise_sampler(x, denoise.seed)
    old: tuple[Tensor, Any] | None = None  # (what was followed, where to) in the step before
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        followed = denoise.uncond if isinstance(denoise, UncondDenoiser) else denoised
        down, up = get_ancestral_step(sigmas[i], sigmas[i + 1], eta=eta)
        if down == 0 or old is None:
            d = to_d(x, sigmas[i], followed)
            x = denoised + d * down if cfg_pp else x + d * (down - sigmas[i])
        else:
            t, t_next, t_old, t_previous = (-s.log() for s in (sigmas[i], down, old[1], sigmas[i - 1]))
            h = t_next - t
            c2 = (t_previous - t_old) / h
            phi_1 = (-h).expm1() / -h
            phi_2 = (phi_1 - 1.0) / -h
            b1, b2 = (torch.nan_to_num(b, nan=0.0) for b in (phi_1 - phi_2 / c2, phi_2 / c2))
            shifted = x + (denoised - followed) if cfg_pp else x
            x = (-h).exp() * shifted + h * (b1 * followed + b2 * old[0])
        if sigmas[i + 1] > 0:
            x = x + noise(sigmas[i], sigmas[i + 1]) * s_noise * up
        old = (followed, down)
    return x


@torch.no_grad()
def sample_res_multistep(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """:func:`res_multistep` without noise."""
    return res_multistep(model, x, sigmas, extra_args, callback, disable, s_noise, noise_sampler, eta=0.0)


@torch.no_grad()
def sample_res_multistep_cfg_pp(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """:func:`res_multistep` without noise, guided by CFG++."""
    return res_multistep(model, x, sigmas, extra_args, callback, disable, s_noise, noise_sampler, eta=0.0, cfg_pp=True)


@torch.no_grad()
def sample_res_multistep_ancestral(
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
    """:func:`res_multistep` with fresh noise."""
    return res_multistep(model, x, sigmas, extra_args, callback, disable, s_noise, noise_sampler, eta=eta)


@torch.no_grad()
def sample_res_multistep_ancestral_cfg_pp(
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
    """:func:`res_multistep` with fresh noise, guided by CFG++."""
    return res_multistep(model, x, sigmas, extra_args, callback, disable, s_noise, noise_sampler, eta=eta, cfg_pp=True)


@torch.no_grad()
def sample_gradient_estimation(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    ge_gamma: float = 2.0,
    cfg_pp: bool = False,
) -> Tensor:
    """Euler steps along an extrapolation of the last two derivatives."""
    denoise = (UncondDenoiser if cfg_pp else Denoiser)(model, x, extra_args, callback)
    previous = None
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        d = to_d(x, sigmas[i], denoise.uncond if isinstance(denoise, UncondDenoiser) else denoised)
        dt = sigmas[i + 1] - sigmas[i]
        x = denoised + d * sigmas[i + 1] if cfg_pp else x + d * dt
        if previous is not None:
            x = x + (ge_gamma - 1) * (d - previous) * dt
        previous = d
    return x


@torch.no_grad()
def sample_gradient_estimation_cfg_pp(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    ge_gamma: float = 2.0,
) -> Tensor:
    """:func:`sample_gradient_estimation` guided by CFG++."""
    return sample_gradient_estimation(model, x, sigmas, extra_args, callback, disable, ge_gamma, cfg_pp=True)

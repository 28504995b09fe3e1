"""DPM-Solver++ for the reverse SDE, with noise of a Brownian tree: single step, 2M and 3M (Katherine Crowson 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..noise import BrownianTreeNoiseSampler, NoiseSampler
from .common import (
    Callback,
    Denoiser,
    ExtraArgs,
    get_ancestral_step,
    half_log_snr_to_sigma,
    model_sampling_of,
    offset_first_sigma_for_snr,
    positive_bounds,
    sigma_to_half_log_snr,
)

if TYPE_CHECKING:
    from torch import Tensor


def brownian(x: Tensor, sigmas: Tensor, seed: int | None, cpu: bool = True) -> BrownianTreeNoiseSampler:
    """Noise between the sigmas of a run, drawn on the CPU or where ``x`` is."""
    return BrownianTreeNoiseSampler(x, *positive_bounds(sigmas), seed=seed, cpu=cpu)


@torch.no_grad()
def sample_dpmpp_sde(
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
) -> Tensor:
    """Two calls a step: at its start and at ``r`` of its way in log SNR."""
    if len(sigmas) <= 1:
        return x
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or brownian(x, sigmas, denoise.seed)
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)

    def level(half_log_snr: Tensor) -> Tensor:
        return half_log_snr_to_sigma(half_log_snr, sampling)

    def towards(x: Tensor, start: Tensor, end: Tensor, denoised: Tensor) -> Tensor:
        """The latent at ``end`` if ``denoised`` were right, with the noise that the SDE adds on the way."""
        alpha_start, alpha_end = level(start) * start.exp(), level(end) * end.exp()
        down, up = get_ancestral_step(start.neg().exp(), end.neg().exp(), eta)
        reached = down.log().neg()
        x = alpha_end / alpha_start * (start - reached).exp() * x - alpha_end * (start - reached).expm1() * denoised
        if eta > 0 and s_noise > 0:
            x = x + alpha_end * noise(level(start), level(end)) * s_noise * up
        return x

    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = denoised
            continue
        start, end = (sigma_to_half_log_snr(sigma, sampling) for sigma in (sigmas[i], sigmas[i + 1]))
        middle = torch.lerp(start, end, r)
        denoised_2 = denoise(towards(x, start, middle, denoised), level(middle))
        weight = 1 / (2 * r)
        x = towards(x, start, end, (1 - weight) * denoised + weight * denoised_2)
    return x


@torch.no_grad()
def sample_dpmpp_2m_sde(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    solver_type: str = "midpoint",
) -> Tensor:
    """Multistep of second order; ``solver_type`` is ``midpoint`` or ``heun``."""
    if solver_type not in ("heun", "midpoint"):
        raise ValueError(f"solver_type is 'heun' or 'midpoint', not {solver_type!r}")
    if len(sigmas) <= 1:
        return x
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or brownian(x, sigmas, denoise.seed)
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    previous, h_last = None, None
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            start, end = (sigma_to_half_log_snr(sigma, sampling) for sigma in (sigmas[i], sigmas[i + 1]))
            h = end - start
            h_eta = h * (eta + 1)
            alpha = sigmas[i + 1] * end.exp()
            phi = (-h_eta).expm1().neg()
            x = sigmas[i + 1] / sigmas[i] * (-h * eta).exp() * x + alpha * phi * denoised
            if previous is not None:
                assert h_last is not None
                factor = alpha * (phi / (-h_eta) + 1) if solver_type == "heun" else 0.5 * alpha * phi
                x = x + factor * (1 / (h_last / h)) * (denoised - previous)
            if eta > 0 and s_noise > 0:
                spread = (-2 * h * eta).expm1().neg().sqrt()
                x = x + noise(sigmas[i], sigmas[i + 1]) * sigmas[i + 1] * spread * s_noise
            h_last = h
        previous = denoised
    return x


@torch.no_grad()
def sample_dpmpp_3m_sde(
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
    """Multistep of third order."""
    if len(sigmas) <= 1:
        return x
    denoise = Denoiser(model, x, extra_args, callback)
    noise = noise_sampler or brownian(x, sigmas, denoise.seed)
    sampling = model_sampling_of(model)
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    seen: list[tuple[Tensor, Tensor]] = []  # (denoised, step in log SNR) of the last two steps, the newest first
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        start, end = (sigma_to_half_log_snr(sigma, sampling) for sigma in (sigmas[i], sigmas[i + 1]))
        h = end - start
        h_eta = h * (eta + 1)
        alpha = sigmas[i + 1] * end.exp()
        x = sigmas[i + 1] / sigmas[i] * (-h * eta).exp() * x + alpha * (-h_eta).expm1().neg() * denoised
        for term in _bends(denoised, h, h_eta, alpha, seen):
            x = x + term
        if eta > 0 and s_noise > 0:
            spread = (-2 * h * eta).expm1().neg().sqrt()
            x = x + noise(sigmas[i], sigmas[i + 1]) * sigmas[i + 1] * spread * s_noise
        seen = [(denoised, h), *seen[:1]]
    return x


def _bends(
    denoised: Tensor, h: Tensor, h_eta: Tensor, alpha: Tensor, seen: list[tuple[Tensor, Tensor]]
) -> list[Tensor]:
    """What the denoised latents of earlier steps add to a step of first order."""
    if not seen:
        return []
    phi_2 = h_eta.neg().expm1() / h_eta + 1
    r0 = seen[0][1] / h
    first = (denoised - seen[0][0]) / r0
    if len(seen) == 1:
        return [alpha * phi_2 * first]
    r1 = seen[1][1] / h
    second = (seen[0][0] - seen[1][0]) / r1
    d1 = first + (first - second) * r0 / (r0 + r1)
    d2 = (first - second) / (r0 + r1)
    return [alpha * phi_2 * d1, -(alpha * (phi_2 / h_eta - 0.5)) * d2]


def _on_device(solver: Any, name: str, text: str) -> Any:
    """``solver`` with a Brownian tree drawn where the latent is."""

    @torch.no_grad()
    def sample(
        model: Any,
        x: Tensor,
        sigmas: Tensor,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        disable: bool | None = None,
        eta: float = 1.0,
        s_noise: float = 1.0,
        noise_sampler: NoiseSampler | None = None,
        **options: Any,
    ) -> Any:
        if len(sigmas) > 1 and noise_sampler is None:
            noise_sampler = brownian(x, sigmas, (extra_args or {}).get("seed"), cpu=False)
        return solver(model, x, sigmas, extra_args, callback, disable, eta, s_noise, noise_sampler, **options)

    sample.__name__ = sample.__qualname__ = name
    sample.__doc__ = text
    return sample


@torch.no_grad()
def sample_dpmpp_2m_sde_heun(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 1.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    solver_type: str = "heun",
) -> Tensor:
    """:func:`sample_dpmpp_2m_sde` of type ``heun``."""
    return sample_dpmpp_2m_sde(
        model, x, sigmas, extra_args, callback, disable, eta, s_noise, noise_sampler, solver_type
    )


_GPU = "With the tree drawn on the latent's device: faster there, and other noise than on another device."
sample_dpmpp_sde_gpu = _on_device(sample_dpmpp_sde, "sample_dpmpp_sde_gpu", _GPU)
sample_dpmpp_2m_sde_gpu = _on_device(sample_dpmpp_2m_sde, "sample_dpmpp_2m_sde_gpu", _GPU)
sample_dpmpp_2m_sde_heun_gpu = _on_device(sample_dpmpp_2m_sde_heun, "sample_dpmpp_2m_sde_heun_gpu", _GPU)
sample_dpmpp_3m_sde_gpu = _on_device(sample_dpmpp_3m_sde, "sample_dpmpp_3m_sde_gpu", _GPU)

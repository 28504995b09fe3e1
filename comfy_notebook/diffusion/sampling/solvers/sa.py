"""SA-Solver: stochastic Adams predictor and corrector. Xue et al. 2023, arXiv 2309.05019."""

from __future__ import annotations

import math
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


def get_tau_interval_func(start_sigma: float, end_sigma: float, eta: float = 1.0) -> Callable[[Any], float]:
    """How much noise at a sigma: ``eta`` between the two sigmas (the start is the larger), none elsewhere."""

    def tau(sigma: Any) -> float:
        return eta if eta > 0 and end_sigma <= float(sigma) <= start_sigma else 0.0

    return tau


def adams_weights(nodes: list[float], start: float, end: float, tau: float, simple: bool = False) -> list[float]:
    """Weights of the denoised latents at ``nodes`` (half log SNRs) for the step from ``start`` to ``end``.

    They integrate the polynomial through those latents against ``(1 + tau^2) exp(-(1 + tau^2) (end - l))``. ``simple``:
    two nodes are weighted with half the first-order factor instead.
    """
    rate, h = 1 + tau**2, end - start
    decay = math.exp(-rate * h)
    if simple and len(nodes) == 2:
        other = -0.5 * rate * h * h * _phi(rate * h) / (nodes[1] - nodes[0])
        return [other, -math.expm1(-rate * h) - other]
    moments: list[float] = []  # of (l - end) ** p, so that nothing is lost to cancellation
    for power in range(len(nodes)):
        boundary = (1.0 if power == 0 else 0.0) - (-h) ** power * decay
        moments.append(boundary - (power / rate * moments[-1] if power else 0.0))
    powers = [[(node - end) ** power for node in nodes] for power in range(len(nodes))]
    solved = torch.linalg.solve(torch.tensor(powers, dtype=torch.float64), torch.tensor(moments, dtype=torch.float64))
    return [float(weight) for weight in solved]


def _phi(x: float) -> float:
    return -math.expm1(-x) / x


@torch.no_grad()
def sample_sa_solver(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    tau_func: Callable[[Any], float] | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    predictor_order: int = 3,
    corrector_order: int = 4,
    use_pece: bool = False,
    simple_order_2: bool = False,
) -> Tensor:
    """Predict, evaluate, correct; with ``use_pece`` evaluate once more after correcting."""
    if len(sigmas) <= 1:
        return x
    denoise = Denoiser(model, x, extra_args, callback)
    noise_of = noise_sampler or default_noise_sampler(x, denoise.seed)
    sampling = model_sampling_of(model)
    tau_of = tau_func or get_tau_interval_func(sampling.percent_to_sigma(0.2), sampling.percent_to_sigma(0.8))
    sigmas = offset_first_sigma_for_snr(sigmas, sampling)
    lambdas = [float(value) for value in sigma_to_half_log_snr(sigmas, sampling)]
    steps = len(sigmas) - 1
    to_zero = bool(sigmas[-1] == 0)
    predicted: Tensor = x
    seen: list[Tensor] = []
    tau, noise = 0.0, None

    def advance(x: Tensor, source: int, target: int, order: int, last: int) -> Tensor:
        """``x`` from ``sigmas[source]`` at ``sigmas[target]``, by the ``order`` latents up to that of ``last``."""
        nodes = lambdas[last - order + 1 : last + 1]
        weights = adams_weights(nodes, lambdas[source], lambdas[target], tau, simple_order_2)
        alpha = sigmas[target] * math.exp(lambdas[target])
        moved = sigmas[target] / sigmas[source] * math.exp(-(tau**2) * (lambdas[target] - lambdas[source])) * x
        for weight, denoised in zip(weights, seen[-order:], strict=True):
            moved = moved + alpha * weight * denoised
        return moved

    for i in range(steps):
        denoised = denoise.step(i, predicted, sigmas[i])
        seen = [*seen, denoised][-max(predictor_order, corrector_order) :]
        left = steps - i if to_zero else steps  # towards 0 orders fall
        correct = min(corrector_order, len(seen), left) if i > 0 and (sigmas[i + 1] > 0 or use_pece) else 0
        if correct == 0:
            x = predicted
        else:
            x = advance(x, i - 1, i, correct, i)
            if noise is not None:
                x = x + noise
            if use_pece:
                denoised = denoise(x, sigmas[i])
                seen[-1] = denoised
        if sigmas[i + 1] == 0:
            return denoised
        tau = tau_of(sigmas[i + 1])
        predicted = advance(x, i, i + 1, min(predictor_order, len(seen), left - 1 if to_zero else left), i)
        noise = None
        if tau > 0 and s_noise > 0:
            spread = math.sqrt(-math.expm1(-2 * tau**2 * (lambdas[i + 1] - lambdas[i])))
            noise = noise_of(sigmas[i], sigmas[i + 1]) * sigmas[i + 1] * spread * s_noise
            predicted = predicted + noise
    return predicted


@torch.no_grad()
def sample_sa_solver_pece(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    tau_func: Callable[[Any], float] | None = None,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    predictor_order: int = 3,
    corrector_order: int = 4,
    simple_order_2: bool = False,
) -> Tensor:
    """:func:`sample_sa_solver` with ``use_pece``."""
    return sample_sa_solver(
        model, x, sigmas, extra_args, callback, disable, tau_func, s_noise, noise_sampler, predictor_order,
        corrector_order, use_pece=True, simple_order_2=simple_order_2,
    )  # fmt: skip

"""Linear multistep methods of Adams-Bashforth type: LMS, iPNDM in two forms, and DEIS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from .common import Callback, Denoiser, ExtraArgs, to_d

if TYPE_CHECKING:
    from torch import Tensor


def linear_multistep_coeff(order: int, t: Any, i: int, j: int) -> float:
    """The integral over step ``i`` of the polynomial that is 1 at the ``j``-th earlier step and 0 at the others."""
    try:
        from scipy import integrate  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError("The sampler 'lms' needs scipy, which is missing: pip install scipy") from error

    if order - 1 > i:
        raise ValueError(f"order {order} is too high for step {i}")

    def polynomial(tau: float) -> Any:
        product: Any = 1.0
        for k in range(order):
            if k != j:
                product *= (tau - t[i - k]) / (t[i - j] - t[i - k])
        return product

    return float(integrate.quad(polynomial, t[i], t[i + 1], epsrel=1e-4)[0])


@torch.no_grad()
def sample_lms(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    order: int = 4,
) -> Tensor:
    """Adams-Bashforth on the sigmas as they are spaced."""
    denoise = Denoiser(model, x, extra_args, callback)
    levels = sigmas.detach().cpu().numpy()
    derivatives: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        derivatives = [to_d(x, sigmas[i], denoised), *derivatives[: order - 1]]
        weights = [linear_multistep_coeff(len(derivatives), levels, i, j) for j in range(len(derivatives))]
        x = x + sum(weight * d for weight, d in zip(weights, derivatives, strict=True))
    return x


#: Adams-Bashforth for even steps, by order: whole weights, the newest derivative first, and what they are parts of.
_EVEN_WEIGHTS = {1: ((1,), 1), 2: ((3, -1), 2), 3: ((23, -16, 5), 12), 4: ((55, -59, 37, -9), 24)}


@torch.no_grad()
def sample_ipndm(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    max_order: int = 4,
) -> Tensor:
    """Improved pseudo numerical methods: weights of even steps, whatever the sigmas. Zhang and Chen 2022."""
    denoise = Denoiser(model, x, extra_args, callback)
    derivatives: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        derivatives = [to_d(x, sigmas[i], denoised), *derivatives[: max_order - 1]]
        weights, parts = _EVEN_WEIGHTS[len(derivatives)]
        slope = sum(weight * d for weight, d in zip(weights, derivatives, strict=True))
        x = x + (sigmas[i + 1] - sigmas[i]) * slope / parts
    return x


@torch.no_grad()
def sample_ipndm_v(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    max_order: int = 4,
) -> Tensor:
    """iPNDM whose weights follow the spacing of the sigmas."""
    denoise = Denoiser(model, x, extra_args, callback)
    derivatives: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        derivatives = [to_d(x, sigmas[i], denoised), *derivatives[: max_order - 1]]
        steps = [sigmas[i - k + 1] - sigmas[i - k] for k in range(len(derivatives))]
        weights = _uneven_weights(*steps)
        x = x + steps[0] * sum(weight * d for weight, d in zip(weights, derivatives, strict=True))
    return x


def _uneven_weights(h: Any, h1: Any = None, h2: Any = None, h3: Any = None) -> list[Any]:
    """Weights for uneven steps as iPNDM-v defines them, the newest step first."""
    if h1 is None:
        return [1.0]
    half = h / h1 / 2
    if h2 is None:
        return [1 + half, -half]
    third = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2
    r1 = h1 / h2
    if h3 is None:
        return [1 + half + third, -half - (1 + r1) * third, third * r1]
    fourth = (
        ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2)))
        * (h * (h + h1) * (h + h1 + h2))
        / (h1 * (h1 + h2) * (h1 + h2 + h3))
    )
    r2 = h1 * (h1 + h2) / (h2 * (h2 + h3))
    return [
        1 + half + third + fourth,
        -half - (1 + r1) * third - (1 + r1 + r2) * fourth,
        third * r1 + (r1 + r2 * (1 + h2 / h3)) * fourth,
        -fourth * r2 * h1 / h2,
    ]


#: The variance-preserving process between these sigmas is what DEIS measures time in; it ends at time 0.001.
_DEIS_SIGMAS, _DEIS_END = (0.002, 80.0), 1e-3
_DEIS_POINTS = 10000


def _deis_weights(sigmas: Tensor, i: int, order: int) -> list[Tensor]:
    """For step ``i``, the integrals over sigma of the polynomials in time that are 1 at one earlier step each."""
    low, high = (math.log(sigma**2 + 1) for sigma in _DEIS_SIGMAS)
    slope = 2 * (low / _DEIS_END - high) / (_DEIS_END - 1)  # beta(t) = start + slope * t
    start = high - 0.5 * slope
    times = ((start**2 + 2 * slope * (sigmas**2 + 1).log()).sqrt() - start) / slope
    points = torch.linspace(float(times[i]), float(times[i + 1]), _DEIS_POINTS, device=sigmas.device)
    kept = (-0.5 * slope * points**2 - start * points).exp()  # 1 / (sigma**2 + 1)
    rate = 0.5 * (slope * points + start) / (kept * (1 - kept)).sqrt()
    nodes = [times[i - k] for k in range(order)]
    weights = []
    for j, node in enumerate(nodes):
        polynomial: Any = 1.0
        for k, other in enumerate(nodes):
            if k != j:
                polynomial = polynomial * (points - other) / (node - other)
        weights.append((rate * polynomial).sum() * (times[i + 1] - times[i]) / _DEIS_POINTS)
    return weights


@torch.no_grad()
def sample_deis(
    model: Any,
    x: Tensor,
    sigmas: Tensor,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    max_order: int = 3,
    deis_mode: str = "tab",
) -> Tensor:
    """DEIS: derivatives extrapolated by a polynomial that is integrated. Zhang and Chen 2022, arXiv 2204.13902."""
    if deis_mode != "tab":
        raise ValueError(f"deis_mode is 'tab', not {deis_mode!r}")
    denoise = Denoiser(model, x, extra_args, callback)
    derivatives: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoise.step(i, x, sigmas[i])
        if sigmas[i + 1] == 0:
            return denoised
        derivatives = [to_d(x, sigmas[i], denoised), *derivatives[: max_order - 1]]
        if len(derivatives) == 1:
            x = x + (sigmas[i + 1] - sigmas[i]) * derivatives[0]
            continue
        for weight, d in zip(_deis_weights(sigmas, i, len(derivatives)), derivatives, strict=True):
            x = x + weight * d
    return x

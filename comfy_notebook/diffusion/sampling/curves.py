"""Falling sigmas as formulas of their bounds. Every function gives float32 ``[n + 1]`` that ends with 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def append_zero(x: Tensor) -> Tensor:
    """``x`` ``[n]`` with a 0 at its end."""
    return torch.cat([x, x.new_zeros([1])])


def get_sigmas_karras(n: int, sigma_min: float, sigma_max: float, rho: float = 7.0, device: Any = "cpu") -> Tensor:
    """Evenly spaced in ``sigma ** (1 / rho)``: Karras et al. 2022, equation 5."""
    ramp = torch.linspace(0, 1, n, device=device)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return append_zero((high + ramp * (low - high)) ** rho).to(device)


def get_sigmas_exponential(n: int, sigma_min: float, sigma_max: float, device: Any = "cpu") -> Tensor:
    """Evenly spaced in log sigma."""
    return append_zero(torch.linspace(math.log(sigma_max), math.log(sigma_min), n, device=device).exp())


def get_sigmas_polyexponential(
    n: int, sigma_min: float, sigma_max: float, rho: float = 1.0, device: Any = "cpu"
) -> Tensor:
    """A polynomial of degree ``rho`` in log sigma."""
    ramp = torch.linspace(1, 0, n, device=device) ** rho
    low = math.log(sigma_min)
    return append_zero(torch.exp(ramp * (math.log(sigma_max) - low) + low))


def get_sigmas_vp(
    n: int, beta_d: float = 19.9, beta_min: float = 0.1, eps_s: float = 1e-3, device: Any = "cpu"
) -> Tensor:
    """Times evenly spaced, in the continuous variance-preserving process of Song et al. 2021."""
    t = torch.linspace(1, eps_s, n, device=device)
    return append_zero(torch.sqrt(torch.special.expm1(beta_d * t**2 / 2 + beta_min * t)))


def get_sigmas_laplace(
    n: int, sigma_min: float, sigma_max: float, mu: float = 0.0, beta: float = 0.5, device: Any = "cpu"
) -> Tensor:
    """Levels of a Laplace distribution of log sigma around ``mu``: Hang and Gu 2024, "Improved Noise Schedule for
    Diffusion Training"."""
    x = torch.linspace(0, 1, n, device=device)
    centred = 0.5 - x
    quantile = mu - beta * torch.sign(centred) * torch.log(1 - 2 * torch.abs(centred) + 1e-5)
    return torch.clamp(torch.exp(quantile), min=sigma_min, max=sigma_max)


def log_linear(values: list[float], n: int) -> list[float]:
    """``n`` numbers on the log-linear curve through ``values`` (all above 0), ends included."""
    if n == 1:
        return [values[0]]
    logs = [math.log(value) for value in values]
    made = []
    for index in range(n):
        place = index * (len(logs) - 1) / (n - 1)
        left = min(int(place), len(logs) - 2)
        made.append(math.exp(logs[left] + (place - left) * (logs[left + 1] - logs[left])))
    return made

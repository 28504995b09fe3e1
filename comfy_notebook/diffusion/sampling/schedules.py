"""The schedulers that nodes offer: falling sigmas of a model for a number of steps, float32, the last one 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from . import curves, ksampler

if TYPE_CHECKING:
    from torch import Tensor


def _falling(sigmas: list[float]) -> Tensor:
    return torch.FloatTensor([*sigmas, 0.0])


def simple_scheduler(model_sampling: Any, steps: int) -> Tensor:
    """Evenly chosen entries of the model's table, from its end."""
    table = model_sampling.sigmas
    stride = len(table) / steps
    return _falling([float(table[-(1 + int(step * stride))]) for step in range(steps)])


def ddim_scheduler(model_sampling: Any, steps: int) -> Tensor:
    """Every n-th entry of the table, from its second one on; may have another length than ``steps``."""
    table = model_sampling.sigmas
    stride = max(len(table) // steps, 1)
    start = 1
    if math.isclose(float(table[start]), 0, abs_tol=0.00001):
        steps += 1
        stride = max(len(table) // steps, 1)
    return _falling([float(table[index]) for index in range(start, len(table), stride)][::-1])


def normal_scheduler(model_sampling: Any, steps: int, sgm: bool = False, floor: bool = False) -> Tensor:
    """Evenly spaced timesteps; with ``sgm`` those of one step more, without the last."""
    start = model_sampling.timestep(model_sampling.sigma_max)
    end = model_sampling.timestep(model_sampling.sigma_min)
    append_zero = True
    if sgm:
        timesteps = torch.linspace(start, end, steps + 1)[:-1]
    else:
        if math.isclose(float(model_sampling.sigma(end)), 0, abs_tol=0.00001):
            steps += 1
            append_zero = False
        timesteps = torch.linspace(start, end, steps)
    sigmas = [float(model_sampling.sigma(timestep)) for timestep in timesteps]
    return _falling(sigmas) if append_zero else torch.FloatTensor(sigmas)


def sgm_scheduler(model_sampling: Any, steps: int) -> Tensor:
    """:func:`normal_scheduler` with ``sgm``."""
    return normal_scheduler(model_sampling, steps, sgm=True)


def beta_scheduler(model_sampling: Any, steps: int, alpha: float = 0.6, beta: float = 0.6) -> Tensor:
    """Entries of the table at quantiles of a Beta distribution, each used once: Lee et al. 2024, "Beta Sampling is All
    You Need"."""
    import numpy as np

    try:
        from scipy.stats import beta as distribution  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError("The scheduler 'beta' needs scipy, which is missing: pip install scipy") from error

    last = len(model_sampling.sigmas) - 1
    places = np.rint(distribution.ppf(1 - np.linspace(0, 1, steps, endpoint=False), alpha, beta) * last)
    chosen = [place for index, place in enumerate(places) if index == 0 or place != places[index - 1]]
    return _falling([float(model_sampling.sigmas[int(place)]) for place in chosen])


def linear_quadratic_schedule(
    model_sampling: Any, steps: int, threshold_noise: float = 0.025, linear_steps: int | None = None
) -> Tensor:
    """Small even steps down by ``threshold_noise`` first, then quadratically growing ones: Mochi's schedule."""
    if steps == 1:
        levels = [1.0, 0.0]
    else:
        linear = steps // 2 if linear_steps is None else linear_steps
        rest = steps - linear
        surplus = linear - threshold_noise * steps
        quadratic = surplus / (linear * rest**2)
        slope = threshold_noise / linear - 2 * surplus / rest**2
        constant = quadratic * linear**2
        noise = [i * threshold_noise / linear for i in range(linear)]
        noise += [quadratic * i**2 + slope * i + constant for i in range(linear, steps)]
        levels = [1.0 - level for level in [*noise, 1.0]]
    largest: Tensor = model_sampling.sigma_max.cpu()
    return torch.FloatTensor(levels) * largest


def kl_optimal_scheduler(n: int, sigma_min: float, sigma_max: float) -> Tensor:
    """Evenly spaced in ``atan(sigma)``: Sabour et al. 2024, "Align Your Steps", theorem 3.1."""
    ramp = torch.arange(n, dtype=torch.float) / (n - 1) if n > 1 else torch.zeros(1)
    sigmas = (ramp * math.atan(sigma_min) + (1 - ramp) * math.atan(sigma_max)).tan()
    return curves.append_zero(sigmas)


class SchedulerHandler(NamedTuple):
    """``handler(model_sampling, steps)``, or ``handler(n=, sigma_min=, sigma_max=)`` without ``use_ms``."""

    handler: Callable[..., Tensor]
    use_ms: bool = True


SCHEDULER_HANDLERS: dict[str, SchedulerHandler] = {
    "simple": SchedulerHandler(simple_scheduler),
    "sgm_uniform": SchedulerHandler(sgm_scheduler),
    "karras": SchedulerHandler(curves.get_sigmas_karras, use_ms=False),
    "exponential": SchedulerHandler(curves.get_sigmas_exponential, use_ms=False),
    "ddim_uniform": SchedulerHandler(ddim_scheduler),
    "beta": SchedulerHandler(beta_scheduler),
    "normal": SchedulerHandler(normal_scheduler),
    "linear_quadratic": SchedulerHandler(linear_quadratic_schedule),
    "kl_optimal": SchedulerHandler(kl_optimal_scheduler, use_ms=False),
}


def calculate_sigmas(model_sampling: Any, scheduler_name: str, steps: int) -> Tensor:
    """The sigmas of a scheduler by name. Raises :class:`ValueError` for an unknown one or fewer than one step."""
    handler = SCHEDULER_HANDLERS.get(scheduler_name)
    if handler is None:
        names = ", ".join(ksampler.SCHEDULER_NAMES)
        raise ValueError(f"There is no scheduler called {scheduler_name!r}. There are: {names}.")
    if steps < 1:
        raise ValueError(f"Sampling needs at least 1 step, not {steps}.")
    if handler.use_ms:
        return handler.handler(model_sampling, steps)
    low, high = float(model_sampling.sigma_min), float(model_sampling.sigma_max)
    return handler.handler(n=steps, sigma_min=low, sigma_max=high)

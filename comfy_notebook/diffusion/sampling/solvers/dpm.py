"""DPM-Solver of orders 1 to 3 with fixed and adaptive steps: Lu et al. 2022, arXiv 2206.00927."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from ..noise import NoiseSampler, default_noise_sampler
from .common import Callback, ExtraArgs, get_ancestral_step

if TYPE_CHECKING:
    from torch import Tensor


class StepSizeController:
    """Proposes step sizes from errors, as a PID controller in the log domain."""

    def __init__(self, h: float, p: float, i: float, d: float, order: float, accept_safety: float) -> None:
        self.h = h
        self.exponents = ((p + i + d) / order, -(p + 2 * d) / order, d / order)
        self.accept_safety = accept_safety
        self.inverse_errors: list[float] = []

    def accepts(self, error: float) -> bool:
        """Whether a step with this error counts; sets the size of the next try either way."""
        inverse = 1 / (error + 1e-8)
        if not self.inverse_errors:
            self.inverse_errors = [inverse] * 3
        self.inverse_errors[0] = inverse
        factor = math.prod(e**b for e, b in zip(self.inverse_errors, self.exponents, strict=True))
        factor = 1 + math.atan(factor - 1)
        accepted = factor >= self.accept_safety
        if accepted:
            self.inverse_errors[1:] = self.inverse_errors[:2]
        self.h *= factor
        return accepted


class DPMSolver:
    """Steps in ``t = -log(sigma)``. ``eps`` evaluates the model; what it answered is kept for one step."""

    def __init__(self, model: Any, x: Tensor, extra_args: ExtraArgs | None, callback: Callback | None) -> None:
        self.model = model
        self.extra_args = {} if extra_args is None else extra_args
        self.callback = callback
        self.ones = x.new_ones([x.shape[0]])

    @staticmethod
    def t(sigma: Tensor) -> Tensor:
        return -sigma.log()

    @staticmethod
    def sigma(t: Tensor) -> Tensor:
        return t.neg().exp()

    def eps(self, x: Tensor, t: Tensor) -> Tensor:
        sigma = self.sigma(t) * self.ones
        return (x - self.model(x, sigma, **self.extra_args)) / self.sigma(t)  # type: ignore[no-any-return]

    def line(self, x: Tensor, t: Tensor, h: Tensor, eps: Tensor) -> Tensor:
        """First order: over ``h``, which ends at ``t``."""
        return x - self.sigma(t) * h.expm1() * eps

    def step_2(self, x: Tensor, t: Tensor, t_next: Tensor, eps: Tensor, r1: float = 0.5) -> tuple[Tensor, Tensor]:
        """The latent, and the noise seen at ``r1`` of the way."""
        h = t_next - t
        s1 = t + r1 * h
        eps_r1 = self.eps(self.line(x, s1, r1 * h, eps), s1)
        bent = self.sigma(t_next) / (2 * r1) * h.expm1() * (eps_r1 - eps)
        return self.line(x, t_next, h, eps) - bent, eps_r1

    def step_3(self, x: Tensor, t: Tensor, t_next: Tensor, eps: Tensor, eps_r1: Tensor | None = None) -> Tensor:
        h, r1, r2 = t_next - t, 1 / 3, 2 / 3
        s1, s2 = t + r1 * h, t + r2 * h
        if eps_r1 is None:
            eps_r1 = self.eps(self.line(x, s1, r1 * h, eps), s1)
        bent = self.sigma(s2) * (r2 / r1) * ((r2 * h).expm1() / (r2 * h) - 1) * (eps_r1 - eps)
        eps_r2 = self.eps(self.line(x, s2, r2 * h, eps) - bent, s2)
        bent = self.sigma(t_next) / r2 * (h.expm1() / h - 1) * (eps_r2 - eps)
        return self.line(x, t_next, h, eps) - bent

    def ancestral(self, t: Tensor, t_next: Tensor, t_end: Tensor, eta: float) -> tuple[Tensor, Any]:
        """Where to step to, and how much noise to add there."""
        if not eta:
            return t_next, 0.0
        down, _ = get_ancestral_step(self.sigma(t), self.sigma(t_next), eta)
        reached = torch.minimum(t_end, self.t(down))
        return reached, (self.sigma(t_next) ** 2 - self.sigma(reached) ** 2) ** 0.5

    def report(self, index: int, x: Tensor, t: Tensor, denoised: Tensor, **more: Any) -> None:
        if self.callback is not None:
            state = {"x": x, "i": index, "t": t, "t_up": t, "denoised": denoised}
            self.callback({"sigma": self.sigma(t), "sigma_hat": self.sigma(t), **state, **more})


def _bounds(solver: DPMSolver, x: Tensor, sigma_min: Any, sigma_max: Any) -> tuple[Tensor, Tensor]:
    if sigma_min <= 0 or sigma_max <= 0:
        raise ValueError("this sampler needs sigmas above 0")
    start, end = (torch.as_tensor(sigma, device=x.device) for sigma in (sigma_max, sigma_min))
    return solver.t(start), solver.t(end)


@torch.no_grad()
def sample_dpm_fast(
    model: Any,
    x: Tensor,
    sigma_min: Any,
    sigma_max: Any,
    n: int,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    eta: float = 0.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
) -> Tensor:
    """``n`` model calls in steps of order 3, then what is left over; even in log sigma."""
    solver = DPMSolver(model, x, extra_args, callback)
    t_start, t_end = _bounds(solver, x, sigma_min, sigma_max)
    if not t_end > t_start and eta:
        raise ValueError("eta must be 0 for sampling in reverse")
    noise = noise_sampler or default_noise_sampler(x, solver.extra_args.get("seed"))
    m = n // 3 + 1
    ts = torch.linspace(float(t_start), float(t_end), m + 1, device=x.device)
    orders = [3] * (m - 2) + [2, 1] if n % 3 == 0 else [3] * (m - 1) + [n % 3]
    for i, order in enumerate(orders):
        t, t_next = ts[i], ts[i + 1]
        target, up = solver.ancestral(t, t_next, t_end, eta)
        eps = solver.eps(x, t)
        solver.report(i, x, t, x - solver.sigma(t) * eps)
        if order == 1:
            x = solver.line(x, target, target - t, eps)
        elif order == 2:
            x = solver.step_2(x, t, target, eps)[0]
        else:
            x = solver.step_3(x, t, target, eps)
        x = x + up * s_noise * noise(solver.sigma(t), solver.sigma(t_next))
    return x


@torch.no_grad()
def sample_dpm_adaptive(
    model: Any,
    x: Tensor,
    sigma_min: Any,
    sigma_max: Any,
    extra_args: ExtraArgs | None = None,
    callback: Callback | None = None,
    disable: bool | None = None,
    order: int = 3,
    rtol: float = 0.05,
    atol: float = 0.0078,
    h_init: float = 0.05,
    pcoeff: float = 0.0,
    icoeff: float = 1.0,
    dcoeff: float = 0.0,
    accept_safety: float = 0.81,
    eta: float = 0.0,
    s_noise: float = 1.0,
    noise_sampler: NoiseSampler | None = None,
    return_info: bool = False,
) -> Any:
    """As many steps as the tolerances ask for; each is tried in two orders, whose difference is the error."""
    if order not in (2, 3):
        raise ValueError(f"the order of dpm_adaptive is 2 or 3, not {order}")
    solver = DPMSolver(model, x, extra_args, callback)
    s, t_end = _bounds(solver, x, sigma_min, sigma_max)
    forward = bool(t_end > s)
    if not forward and eta:
        raise ValueError("eta must be 0 for sampling in reverse")
    noise = noise_sampler or default_noise_sampler(x, solver.extra_args.get("seed"))
    h = abs(h_init) * (1 if forward else -1)
    controller = StepSizeController(h, pcoeff, icoeff, dcoeff, 1.5 if eta else order, accept_safety)
    x_previous = x
    info = {"steps": 0, "nfe": 0, "n_accept": 0, "n_reject": 0}
    while s < t_end - 1e-5 if forward else s > t_end + 1e-5:
        t = torch.minimum(t_end, s + controller.h) if forward else torch.maximum(t_end, s + controller.h)
        target, up = solver.ancestral(s, t, t_end, eta)
        eps = solver.eps(x, s)
        denoised = x - solver.sigma(s) * eps
        if order == 2:
            low, high = solver.line(x, target, target - s, eps), solver.step_2(x, s, target, eps)[0]
        else:
            low, eps_r1 = solver.step_2(x, s, target, eps, r1=1 / 3)
            high = solver.step_3(x, s, target, eps, eps_r1)
        scale = torch.clamp(rtol * torch.maximum(low.abs(), x_previous.abs()), min=atol)
        error = float(torch.linalg.vector_norm((low - high) / scale) / x.numel() ** 0.5)
        if math.isnan(error):
            return x * math.nan if not return_info else (x * math.nan, info)
        accepted = controller.accepts(error)
        if accepted:
            x_previous = low
            x = high + up * s_noise * noise(solver.sigma(s), solver.sigma(t))
            s = t
        info["n_accept" if accepted else "n_reject"] += 1
        info["nfe"] += order
        info["steps"] += 1
        solver.report(info["steps"] - 1, x, s, denoised, error=error, h=controller.h, **info)
    return (x, info) if return_info else x

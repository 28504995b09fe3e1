"""Noise levels in a table, as models of the DDPM kind were trained with them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: What stands for "before sampling began" where sigma has no bound.
ABOVE_ALL_SIGMAS = 999999999.9


def settings_of(model_config: Any) -> Mapping[str, Any]:
    """The ``sampling_settings`` of a model's configuration."""
    return getattr(model_config, "sampling_settings", None) or {}


def rescale_zero_terminal_snr_sigmas(sigmas: Tensor) -> Tensor:
    """Sigmas moved so that the last one is (nearly) pure noise: Lin et al. 2023, "Common Diffusion Noise Schedules and
    Sample Steps are Flawed", algorithm 1."""
    root = (1 / (sigmas * sigmas + 1)).sqrt()
    first, last = root[0].clone(), root[-1].clone()
    root = (root - last) * (first / (first - last))
    cumulative = root**2
    cumulative[-1] = 4.8973451890853435e-08
    return ((1 - cumulative) / cumulative) ** 0.5


def betas_of(schedule: str, timesteps: int, start: float, end: float) -> Tensor:
    """Variances of the forward process, float64 ``[timesteps]``; ``linear`` is linear in their roots."""
    if schedule == "linear":
        return torch.linspace(start**0.5, end**0.5, timesteps, dtype=torch.float64) ** 2
    if schedule in ("sqrt_linear", "sqrt"):
        betas = torch.linspace(start, end, timesteps, dtype=torch.float64)
        return betas if schedule == "sqrt_linear" else betas**0.5
    if schedule == "cosine":
        t = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps + 8e-3
        alphas = torch.cos(t / (1 + 8e-3) * math.pi / 2).pow(2)
        alphas = alphas / alphas[0]
        return torch.clamp(1 - alphas[1:] / alphas[:-1], 0, 0.999)
    if schedule == "squaredcos_cap_v2":

        def alpha_bar(t: float) -> float:
            return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

        steps = range(timesteps)
        made = [min(1 - alpha_bar((i + 1) / timesteps) / alpha_bar(i / timesteps), 0.999) for i in steps]
        return torch.tensor(made, dtype=torch.float64)
    raise ValueError(f"there is no beta schedule called {schedule!r}")


class Schedule(nn.Module):
    """Sigmas in a table."""

    sigmas: Tensor
    log_sigmas: Tensor

    def set_sigmas(self, sigmas: Tensor) -> None:
        """Take ``sigmas`` (rising) for the table."""
        self.register_buffer("sigmas", sigmas.float(), persistent=False)
        self.register_buffer("log_sigmas", sigmas.log().float(), persistent=False)

    @property
    def sigma_min(self) -> Tensor:
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        return self.sigmas[-1]


class ModelSamplingDiscrete(Schedule):
    """A table of (usually 1000) trained levels; between them log sigma is linear."""

    def __init__(self, model_config: Any = None, zsnr: bool | None = None) -> None:
        super().__init__()
        settings = settings_of(model_config)
        self.zsnr = bool(settings.get("zsnr", False)) if zsnr is None else zsnr
        self.linear_start = settings.get("linear_start", 0.00085)
        self.linear_end = settings.get("linear_end", 0.012)
        self.sigma_data = 1.0
        self._register_schedule(
            beta_schedule=settings.get("beta_schedule", "linear"),
            timesteps=settings.get("timesteps", 1000),
            linear_start=self.linear_start,
            linear_end=self.linear_end,
        )

    def _register_schedule(
        self,
        given_betas: Any = None,
        beta_schedule: str = "linear",
        timesteps: int = 1000,
        linear_start: float = 1e-4,
        linear_end: float = 2e-2,
    ) -> None:
        betas = (
            betas_of(beta_schedule, timesteps, linear_start, linear_end)
            if given_betas is None
            else torch.as_tensor(given_betas)
        )
        self.num_timesteps = len(betas)
        kept = torch.cumprod(1.0 - betas, dim=0)
        sigmas = ((1 - kept) / kept) ** 0.5
        self.set_sigmas(rescale_zero_terminal_snr_sigmas(sigmas) if self.zsnr else sigmas)

    def timestep(self, sigma: Tensor) -> Tensor:
        """The number of the level nearest to each sigma, on the log scale."""
        distances = sigma.log().reshape(1, -1) - self.log_sigmas[:, None].to(sigma.device)
        return distances.abs().argmin(dim=0).view(sigma.shape).to(sigma.device)

    def sigma(self, timestep: Tensor) -> Tensor:
        t = torch.clamp(timestep.float().to(self.log_sigmas.device), 0, len(self.sigmas) - 1)
        low, high, weight = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - weight) * self.log_sigmas[low] + weight * self.log_sigmas[high]).exp().to(timestep.device)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return ABOVE_ALL_SIGMAS
        if percent >= 1.0:
            return 0.0
        return float(self.sigma(torch.tensor((1.0 - percent) * 999.0)))


class ModelSamplingDiscreteDistilled(ModelSamplingDiscrete):
    """Every n-th level of the table: those that latent consistency models were distilled for."""

    original_timesteps = 50

    def __init__(self, model_config: Any = None, zsnr: bool | None = None) -> None:
        super().__init__(model_config, zsnr)
        self.skip_steps = self.num_timesteps // self.original_timesteps
        last = self.num_timesteps - 1
        kept = [last - index * self.skip_steps for index in reversed(range(self.original_timesteps))]
        self.set_sigmas(self.sigmas[kept])

    def timestep(self, sigma: Tensor) -> Tensor:
        return super().timestep(sigma) * self.skip_steps + (self.skip_steps - 1)

    def sigma(self, timestep: Tensor) -> Tensor:
        t = torch.clamp((timestep.float() - (self.skip_steps - 1)) / self.skip_steps, min=0, max=len(self.sigmas) - 1)
        return super().sigma(t)

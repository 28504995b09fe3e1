"""Noise levels of models: what ``model.model_sampling`` is (custom nodes import it as ``comfy.model_sampling``).

A schedule has ``sigmas`` (float32 ``[N]``, rising), ``sigma_min``, ``sigma_max``, ``timestep(sigma)`` (what the network
is told), ``sigma(timestep)`` and ``percent_to_sigma(percent)`` (how much of sampling is done, 0 to 1). A class that
mixes one with a prediction (:mod:`.predictions`) is a whole ``model_sampling``; :func:`model_sampling` makes one.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .predictions import CONST, COSMOS_RFLOW, EDM, EPS, IMG_TO_IMG, LCM, V_PREDICTION, X0

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: What stands for "before sampling began" and "after its end" where sigma has no bound.
ABOVE_ALL_SIGMAS = 999999999.9


def _settings(model_config: Any) -> Mapping[str, Any]:
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


class _Schedule(nn.Module):
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


class ModelSamplingDiscrete(_Schedule):
    """A table of (usually 1000) trained levels; between them log sigma is linear."""

    def __init__(self, model_config: Any = None, zsnr: bool | None = None) -> None:
        super().__init__()
        settings = _settings(model_config)
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


class ModelSamplingContinuousEDM(_Schedule):
    """Any sigma between two bounds; the network is told ``log(sigma) / 4``."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        settings = _settings(model_config)
        self.set_parameters(
            settings.get("sigma_min", 0.002), settings.get("sigma_max", 120.0), settings.get("sigma_data", 1.0)
        )

    def set_parameters(self, sigma_min: float, sigma_max: float, sigma_data: float) -> None:
        self.sigma_data = sigma_data
        self.set_sigmas(torch.linspace(math.log(sigma_min), math.log(sigma_max), 1000).exp())

    def timestep(self, sigma: Tensor) -> Tensor:
        return 0.25 * sigma.log()

    def sigma(self, timestep: Tensor) -> Tensor:
        return (timestep / 0.25).exp()

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return ABOVE_ALL_SIGMAS
        if percent >= 1.0:
            return 0.0
        low = math.log(self.sigma_min)
        return math.exp((math.log(self.sigma_max) - low) * (1.0 - percent) + low)


class ModelSamplingContinuousV(ModelSamplingContinuousEDM):
    """Any sigma between two bounds; the network is told its angle, from 0 to 1."""

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma.atan() / math.pi * 2

    def sigma(self, timestep: Tensor) -> Tensor:
        return (timestep * math.pi / 2).tan()


def time_snr_shift(alpha: float, t: Any) -> Any:
    """Times from 0 to 1 moved towards noise (``alpha`` above 1): ``alpha t / (1 + (alpha - 1) t)``."""
    return t if alpha == 1.0 else alpha * t / (1 + (alpha - 1) * t)


def flux_time_shift(mu: float, sigma: float, t: Any) -> Any:
    """The same shift by ``exp(mu)``, as Flux writes it."""
    return math.exp(mu) / (math.exp(mu) + (1 / t - 1) ** sigma)


class ModelSamplingDiscreteFlow(_Schedule):
    """Rectified flow: sigma from 0 to 1, shifted; the network is told ``sigma * multiplier``."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        settings = _settings(model_config)
        self.set_parameters(shift=settings.get("shift", 1.0), multiplier=settings.get("multiplier", 1000))

    def set_parameters(self, shift: float = 1.0, timesteps: int = 1000, multiplier: float = 1000) -> None:
        self.shift, self.multiplier = shift, multiplier
        self.set_sigmas(self.sigma((torch.arange(1, timesteps + 1, 1) / timesteps) * multiplier))

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma * self.multiplier

    def sigma(self, timestep: Any) -> Any:
        return time_snr_shift(self.shift, timestep / self.multiplier)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 1.0
        if percent >= 1.0:
            return 0.0
        return float(time_snr_shift(self.shift, 1.0 - percent))


class ModelSamplingFlux(_Schedule):
    """Rectified flow with the shift ``exp(mu)`` and ten times as many levels; the network is told sigma."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        self.set_parameters(shift=_settings(model_config).get("shift", 1.15))

    def set_parameters(self, shift: float = 1.15, timesteps: int = 10000) -> None:
        self.shift = shift
        self.set_sigmas(self.sigma(torch.arange(1, timesteps + 1, 1) / timesteps))

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma

    def sigma(self, timestep: Any) -> Any:
        return flux_time_shift(self.shift, 1.0, timestep)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 1.0
        if percent >= 1.0:
            return 0.0
        return float(flux_time_shift(self.shift, 1.0, 1.0 - percent))


class ModelSamplingCosmosRFlow(ModelSamplingContinuousEDM):
    """Rectified flow as Cosmos writes it: the network is told ``sigma / (sigma + 1)``."""

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma / (sigma + 1)

    def sigma(self, timestep: Tensor) -> Tensor:
        largest = self.sigma_max.to(timestep.device)
        return torch.where(timestep >= 1.0, largest, timestep / (1 - timestep))


class StableCascadeSampling(_Schedule):
    """A cosine schedule whose log SNR is shifted; the network is told a time from 0 to 1."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        self.set_parameters(_settings(model_config).get("shift", 1.0))

    def set_parameters(self, shift: float = 1.0, cosine_s: float = 8e-3) -> None:
        self.shift = shift
        self.cosine_s = torch.tensor(cosine_s)
        self._init_alpha_cumprod = torch.cos(self.cosine_s / (1 + self.cosine_s) * math.pi * 0.5) ** 2
        self.num_timesteps = 10000
        self.set_sigmas(self.sigma(torch.arange(1, self.num_timesteps + 1) / self.num_timesteps))

    def sigma(self, timestep: Tensor) -> Tensor:
        start, s = self._init_alpha_cumprod.to(timestep.device), self.cosine_s.to(timestep.device)
        kept = torch.cos((timestep + s) / (1 + s) * math.pi * 0.5) ** 2 / start
        if self.shift != 1.0:
            kept = ((kept / (1 - kept)).log() + 2 * math.log(1.0 / self.shift)).sigmoid()
        kept = kept.clamp(0.0001, 0.9999)
        return ((1 - kept) / kept) ** 0.5

    def timestep(self, sigma: Tensor) -> Tensor:
        start, s = self._init_alpha_cumprod.to(sigma.device), self.cosine_s.to(sigma.device)
        kept = (1 / (sigma * sigma + 1)).clamp(0, 1.0)
        return ((kept * start) ** 0.5).acos() / (math.pi * 0.5) * (1 + s) - s

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return ABOVE_ALL_SIGMAS
        if percent >= 1.0:
            return 0.0
        return float(self.sigma(torch.tensor(1.0 - percent)))


#: Model type → (schedule, prediction), under the names that model configurations use.
KINDS: dict[str, tuple[type[_Schedule], type]] = {
    "EPS": (ModelSamplingDiscrete, EPS),
    "V_PREDICTION": (ModelSamplingDiscrete, V_PREDICTION),
    "X0": (ModelSamplingDiscrete, X0),
    "IMG_TO_IMG": (ModelSamplingDiscrete, IMG_TO_IMG),
    "LCM": (ModelSamplingDiscreteDistilled, LCM),
    "EDM": (ModelSamplingContinuousEDM, EDM),
    "EDM_EPS": (ModelSamplingContinuousEDM, EPS),
    "V_PREDICTION_EDM": (ModelSamplingContinuousEDM, V_PREDICTION),
    "V_PREDICTION_CONTINUOUS": (ModelSamplingContinuousV, V_PREDICTION),
    "STABLE_CASCADE": (StableCascadeSampling, EPS),
    "FLOW": (ModelSamplingDiscreteFlow, CONST),
    "FLUX": (ModelSamplingFlux, CONST),
    "FLOW_COSMOS": (ModelSamplingCosmosRFlow, COSMOS_RFLOW),
}


def model_sampling(kind: str, zsnr: bool | None = None, **settings: Any) -> Any:
    """A ``model_sampling`` of one of :data:`KINDS`.

    ``settings``: ``shift`` and ``multiplier`` (flow), ``sigma_min``, ``sigma_max`` and ``sigma_data`` (continuous),
    ``beta_schedule``, ``linear_start``, ``linear_end`` and ``timesteps`` (discrete); ``zsnr`` as in
    :func:`rescale_zero_terminal_snr_sigmas`. Raises :class:`ValueError` for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no model sampling called {kind!r}; there are {', '.join(KINDS)}")
    schedule, prediction = KINDS[kind]
    made = type(f"{schedule.__name__}{prediction.__name__}", (schedule, prediction), {})
    config = SimpleNamespace(sampling_settings=settings if zsnr is None else {**settings, "zsnr": zsnr})
    return made(config)

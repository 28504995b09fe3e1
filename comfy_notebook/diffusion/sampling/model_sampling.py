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

from .discrete_levels import (
    ABOVE_ALL_SIGMAS,
    ModelSamplingDiscrete,
    ModelSamplingDiscreteDistilled,
    Schedule,
    rescale_zero_terminal_snr_sigmas,
    settings_of,
)
from .predictions import CONST, COSMOS_RFLOW, EDM, EPS, IMG_TO_IMG, LCM, V_PREDICTION, X0

if TYPE_CHECKING:
    from torch import Tensor


class ModelSamplingContinuousEDM(Schedule):
    """Any sigma between two bounds; the network is told ``log(sigma) / 4``."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        settings = settings_of(model_config)
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


class ModelSamplingDiscreteFlow(Schedule):
    """Rectified flow: sigma from 0 to 1, shifted; the network is told ``sigma * multiplier``."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        settings = settings_of(model_config)
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


class ModelSamplingFlux(Schedule):
    """Rectified flow with the shift ``exp(mu)`` and ten times as many levels; the network is told sigma."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        self.set_parameters(shift=settings_of(model_config).get("shift", 1.15))

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


class StableCascadeSampling(Schedule):
    """A cosine schedule whose log SNR is shifted; the network is told a time from 0 to 1."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        self.set_parameters(settings_of(model_config).get("shift", 1.0))

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
KINDS: dict[str, tuple[type[Schedule], type]] = {
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


__all__ = [
    "CONST",
    "COSMOS_RFLOW",
    "EDM",
    "EPS",
    "IMG_TO_IMG",
    "KINDS",
    "LCM",
    "V_PREDICTION",
    "X0",
    "ModelSamplingContinuousEDM",
    "ModelSamplingContinuousV",
    "ModelSamplingCosmosRFlow",
    "ModelSamplingDiscrete",
    "ModelSamplingDiscreteDistilled",
    "ModelSamplingDiscreteFlow",
    "ModelSamplingFlux",
    "StableCascadeSampling",
    "flux_time_shift",
    "model_sampling",
    "rescale_zero_terminal_snr_sigmas",
    "time_snr_shift",
]

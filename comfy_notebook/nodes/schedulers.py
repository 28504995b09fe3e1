"""SIGMAS: noise levels by a model's schedule or by formula."""

from __future__ import annotations

from typing import Any

from . import inputs
from .sampling import scheduler_input

_MAX_TIP = "Where it starts."
_MIN_TIP = "Where it ends, before the 0."
_DENOISE_TIP = "How much of the schedule is walked, from its end."


def steps_input(default: int = 20, minimum: int = 1, maximum: int = 10000) -> inputs.Spec:
    return inputs.integer(default, minimum, maximum, tooltip="How many steps.")


def _sigma(default: float, tooltip: str) -> inputs.Spec:
    return inputs.number(default, 0.0, 5000.0, 0.01, tooltip, round=False)


def _bounds() -> dict[str, inputs.Spec]:
    return {"sigma_max": _sigma(14.614642, _MAX_TIP), "sigma_min": _sigma(0.0291675, _MIN_TIP)}


def denoise_input() -> inputs.Spec:
    return inputs.number(1.0, 0.0, 1.0, 0.01, _DENOISE_TIP)


def _sampling(model: Any) -> Any:
    return model.get_model_object("model_sampling")


class Scheduling:
    """What nodes that make SIGMAS have in common."""

    RETURN_TYPES = ("SIGMAS",)
    FUNCTION = "get_sigmas"
    CATEGORY = "sampling/custom_sampling/schedulers"


class BasicScheduler(Scheduling):
    DESCRIPTION = "The noise levels of a scheduler by its name."
    SEARCH_ALIASES = ["choose scheduler", "steps", "karras", "simple", "normal"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that is sampled."),
                "scheduler": scheduler_input(),
                "steps": steps_input(),
                "denoise": denoise_input(),
            }
        }

    def get_sigmas(self, model: Any, scheduler: str, steps: int, denoise: float) -> tuple[Any]:
        import torch

        from ..diffusion.sampling import samplers

        if denoise <= 0.0:
            return (torch.FloatTensor([]),)
        total = int(steps / denoise) if denoise < 1.0 else steps
        return (samplers.calculate_sigmas(_sampling(model), scheduler, total).cpu()[-(steps + 1) :],)


class KarrasScheduler(Scheduling):
    DESCRIPTION = "Evenly spaced in a root of sigma."
    SEARCH_ALIASES = ["karras", "rho", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        rho = inputs.number(7.0, 0.0, 100.0, 0.01, "Which root; larger spends more steps on detail.", round=False)
        return {"required": {"steps": steps_input(), **_bounds(), "rho": rho}}

    def get_sigmas(self, steps: int, sigma_max: float, sigma_min: float, rho: float) -> tuple[Any]:
        from ..diffusion.sampling import k_diffusion

        return (k_diffusion.get_sigmas_karras(n=steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho),)


class ExponentialScheduler(Scheduling):
    DESCRIPTION = "Evenly spaced in log sigma."
    SEARCH_ALIASES = ["exponential", "log", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"steps": steps_input(), **_bounds()}}

    def get_sigmas(self, steps: int, sigma_max: float, sigma_min: float) -> tuple[Any]:
        from ..diffusion.sampling import k_diffusion

        return (k_diffusion.get_sigmas_exponential(n=steps, sigma_min=sigma_min, sigma_max=sigma_max),)


class PolyexponentialScheduler(Scheduling):
    DESCRIPTION = "A polynomial in log sigma."
    SEARCH_ALIASES = ["polynomial", "log", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        rho = inputs.number(1.0, 0.0, 100.0, 0.01, "Its degree; 1 is the exponential scheduler.", round=False)
        return {"required": {"steps": steps_input(), **_bounds(), "rho": rho}}

    def get_sigmas(self, steps: int, sigma_max: float, sigma_min: float, rho: float) -> tuple[Any]:
        from ..diffusion.sampling import k_diffusion

        return (k_diffusion.get_sigmas_polyexponential(n=steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho),)


class LaplaceScheduler(Scheduling):
    DESCRIPTION = "Most steps around one noise level, as a Laplace distribution has it."
    SEARCH_ALIASES = ["laplace", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        mu = inputs.number(0.0, -10.0, 10.0, 0.1, "Log of the level around which they lie.", round=False)
        beta = inputs.number(0.5, 0.0, 10.0, 0.1, "How far they spread.", round=False)
        return {"required": {"steps": steps_input(), **_bounds(), "mu": mu, "beta": beta}}

    def get_sigmas(self, steps: int, sigma_max: float, sigma_min: float, mu: float, beta: float) -> tuple[Any]:
        from ..diffusion.sampling import k_diffusion

        made = k_diffusion.get_sigmas_laplace(n=steps, sigma_min=sigma_min, sigma_max=sigma_max, mu=mu, beta=beta)
        return (made,)


class VPScheduler(Scheduling):
    DESCRIPTION = "Even times of the continuous variance-preserving process."
    SEARCH_ALIASES = ["variance preserving", "continuous", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "steps": steps_input(),
                "beta_d": _sigma(19.9, "How much the rate of noise grows."),
                "beta_min": _sigma(0.1, "The rate of noise at the start."),
                "eps_s": inputs.number(0.001, 0.0, 1.0, 0.0001, "The last time.", round=False),
            }
        }

    def get_sigmas(self, steps: int, beta_d: float, beta_min: float, eps_s: float) -> tuple[Any]:
        from ..diffusion.sampling import k_diffusion

        return (k_diffusion.get_sigmas_vp(n=steps, beta_d=beta_d, beta_min=beta_min, eps_s=eps_s),)


class BetaSamplingScheduler(Scheduling):
    DESCRIPTION = "Levels at quantiles of a Beta distribution: more steps at both ends."
    SEARCH_ALIASES = ["beta", "quantile", "noise levels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that is sampled."),
                "steps": steps_input(),
                "alpha": inputs.number(0.6, 0.0, 50.0, 0.01, "Shape at the start.", round=False),
                "beta": inputs.number(0.6, 0.0, 50.0, 0.01, "Shape at the end.", round=False),
            }
        }

    def get_sigmas(self, model: Any, steps: int, alpha: float, beta: float) -> tuple[Any]:
        from ..diffusion.sampling import samplers

        return (samplers.beta_scheduler(_sampling(model), steps, alpha=alpha, beta=beta),)


class SDTurboScheduler(Scheduling):
    DESCRIPTION = "The levels that SD-Turbo and SDXL-Turbo were distilled for."
    SEARCH_ALIASES = ["turbo", "distilled", "few steps"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that is sampled."),
                "steps": steps_input(1, 1, 10),
                "denoise": inputs.number(1.0, 0, 1.0, 0.01, _DENOISE_TIP),
            }
        }

    def get_sigmas(self, model: Any, steps: int, denoise: float) -> tuple[Any]:
        import torch

        first = 10 - int(10 * denoise)
        timesteps = torch.flip(torch.arange(1, 11) * 100 - 1, (0,))[first : first + steps]
        sigmas = _sampling(model).sigma(timesteps)
        return (torch.cat([sigmas, sigmas.new_zeros([1])]),)


NODES: dict[str, tuple[type, str]] = {
    "BasicScheduler": (BasicScheduler, "BasicScheduler"),
    "KarrasScheduler": (KarrasScheduler, "KarrasScheduler"),
    "ExponentialScheduler": (ExponentialScheduler, "ExponentialScheduler"),
    "PolyexponentialScheduler": (PolyexponentialScheduler, "PolyexponentialScheduler"),
    "LaplaceScheduler": (LaplaceScheduler, "LaplaceScheduler"),
    "VPScheduler": (VPScheduler, "VPScheduler"),
    "BetaSamplingScheduler": (BetaSamplingScheduler, "BetaSamplingScheduler"),
    "SDTurboScheduler": (SDTurboScheduler, "SDTurboScheduler"),
}

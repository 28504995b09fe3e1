"""SAMPLERs: by name, or with options of their own."""

from __future__ import annotations

from typing import Any

from . import inputs
from .sampling import sampler_input

_ETA_TIP = "How much fresh noise each step adds; 0 adds none."
_NOISE_TIP = "Factor of the fresh noise."
_ER_SDE = {"options": ["ER-SDE", "Reverse-time SDE", "ODE"], "tooltip": "How much noise is added."}
_DEVICES = ["gpu", "cpu"]
_DEVICE_TIP = "Where the noise is drawn: the CPU's is the same on every machine, the GPU's is faster."


def _option(default: float, tooltip: str, maximum: float = 100.0, minimum: float = 0.0) -> inputs.Spec:
    return inputs.number(default, minimum, maximum, 0.01, tooltip, round=False)


def _made(name: str, **options: Any) -> tuple[Any]:
    from ..diffusion.sampling import samplers

    return (samplers.ksampler(name, options),)


class _Making:
    RETURN_TYPES = ("SAMPLER",)
    FUNCTION = "get_sampler"
    CATEGORY = "sampling/custom_sampling/samplers"


class KSamplerSelect(_Making):
    DESCRIPTION = "A sampler by its name."
    SEARCH_ALIASES = ["choose sampler", "method", "euler", "dpmpp", "solver"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"sampler_name": sampler_input()}}

    def get_sampler(self, sampler_name: str) -> tuple[Any]:
        from ..diffusion.sampling import samplers

        return (samplers.sampler_object(sampler_name),)


class SamplerEulerAncestral(_Making):
    DESCRIPTION = "Euler steps with fresh noise."
    SEARCH_ALIASES = ["euler a", "ancestral", "stochastic"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"eta": _option(1.0, _ETA_TIP), "s_noise": _option(1.0, _NOISE_TIP)}}

    def get_sampler(self, eta: float, s_noise: float) -> tuple[Any]:
        return _made("euler_ancestral", eta=eta, s_noise=s_noise)


class SamplerEulerAncestralCFGPP(_Making):
    DESCRIPTION = "Euler steps with fresh noise, guided by CFG++ (use a cfg of about 1)."
    SEARCH_ALIASES = ["cfg++", "euler a", "ancestral"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"eta": _option(1.0, _ETA_TIP, 1.0), "s_noise": _option(1.0, _NOISE_TIP, 10.0)}}

    def get_sampler(self, eta: float, s_noise: float) -> tuple[Any]:
        return _made("euler_ancestral_cfg_pp", eta=eta, s_noise=s_noise)


class SamplerLMS(_Making):
    DESCRIPTION = "Linear multistep: the last steps extrapolated."
    SEARCH_ALIASES = ["adams bashforth", "multistep"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"order": inputs.integer(4, 1, 100, tooltip="How many steps it looks back.")}}

    def get_sampler(self, order: int) -> tuple[Any]:
        return _made("lms", order=order)


class SamplerDPMPP_2S_Ancestral(_Making):  # noqa: N801 - the name workflows use
    DESCRIPTION = "DPM-Solver++ in single steps of second order, with fresh noise."
    SEARCH_ALIASES = ["dpm++ 2s a", "ancestral", "dpmpp"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"eta": _option(1.0, _ETA_TIP), "s_noise": _option(1.0, _NOISE_TIP)}}

    def get_sampler(self, eta: float, s_noise: float) -> tuple[Any]:
        return _made("dpmpp_2s_ancestral", eta=eta, s_noise=s_noise)


class SamplerDPMPP_SDE(_Making):  # noqa: N801
    DESCRIPTION = "DPM-Solver++ for the stochastic equation, two model calls a step."
    SEARCH_ALIASES = ["dpm++ sde", "stochastic", "dpmpp"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "eta": _option(1.0, _ETA_TIP),
                "s_noise": _option(1.0, _NOISE_TIP),
                "r": _option(0.5, "Where in a step the second call lies."),
                "noise_device": inputs.options(_DEVICES, _DEVICE_TIP),
            }
        }

    def get_sampler(self, eta: float, s_noise: float, r: float, noise_device: str) -> tuple[Any]:
        name = "dpmpp_sde" if noise_device == "cpu" else "dpmpp_sde_gpu"
        return _made(name, eta=eta, s_noise=s_noise, r=r)


class SamplerDPMPP_2M_SDE(_Making):  # noqa: N801
    DESCRIPTION = "DPM-Solver++ for the stochastic equation, multistep of second order."
    SEARCH_ALIASES = ["dpm++ 2m sde", "stochastic", "dpmpp"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "solver_type": inputs.options(["midpoint", "heun"], "How the last step is extrapolated."),
                "eta": _option(1.0, _ETA_TIP),
                "s_noise": _option(1.0, _NOISE_TIP),
                "noise_device": inputs.options(_DEVICES, _DEVICE_TIP),
            }
        }

    def get_sampler(self, solver_type: str, eta: float, s_noise: float, noise_device: str) -> tuple[Any]:
        name = "dpmpp_2m_sde" if noise_device == "cpu" else "dpmpp_2m_sde_gpu"
        return _made(name, eta=eta, s_noise=s_noise, solver_type=solver_type)


class SamplerDPMPP_3M_SDE(_Making):  # noqa: N801
    DESCRIPTION = "DPM-Solver++ for the stochastic equation, multistep of third order."
    SEARCH_ALIASES = ["dpm++ 3m sde", "stochastic", "dpmpp"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "eta": _option(1.0, _ETA_TIP),
                "s_noise": _option(1.0, _NOISE_TIP),
                "noise_device": inputs.options(_DEVICES, _DEVICE_TIP),
            }
        }

    def get_sampler(self, eta: float, s_noise: float, noise_device: str) -> tuple[Any]:
        name = "dpmpp_3m_sde" if noise_device == "cpu" else "dpmpp_3m_sde_gpu"
        return _made(name, eta=eta, s_noise=s_noise)


class SamplerDPMAdaptative(_Making):
    DESCRIPTION = "DPM-Solver with as many steps as the tolerances ask for."
    SEARCH_ALIASES = ["dpm adaptive", "step size", "tolerance"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "order": inputs.integer(3, 2, 3, tooltip="Order of the solver."),
                "rtol": _option(0.05, "Relative error that a step may make."),
                "atol": _option(0.0078, "Absolute error that a step may make."),
                "h_init": _option(0.05, "Size of the first step, in log sigma."),
                "pcoeff": _option(0.0, "Proportional part of the step size controller."),
                "icoeff": _option(1.0, "Integral part of the step size controller."),
                "dcoeff": _option(0.0, "Differential part of the step size controller."),
                "accept_safety": _option(0.81, "Steps that would shrink below this share are tried again."),
                "eta": _option(0.0, _ETA_TIP),
                "s_noise": _option(1.0, _NOISE_TIP),
            }
        }

    def get_sampler(self, **options: Any) -> tuple[Any]:
        return _made("dpm_adaptive", **options)


class SamplerER_SDE(_Making):  # noqa: N801
    DESCRIPTION = "Extended reverse-time SDE solver: between the deterministic and the stochastic equation."
    SEARCH_ALIASES = ["er sde", "stochastic", "ode"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "solver_type": ("COMBO", _ER_SDE),
                "max_stage": inputs.integer(3, 1, 3, tooltip="Highest order."),
                "eta": _option(1.0, "Strength of the noise of the reverse-time SDE; 0 makes it the ODE."),
                "s_noise": _option(1.0, _NOISE_TIP),
            }
        }

    def get_sampler(self, solver_type: str, max_stage: int, eta: float, s_noise: float) -> tuple[Any]:
        if solver_type == "ODE" or (solver_type == "Reverse-time SDE" and eta == 0):
            return _made("er_sde", s_noise=0.0, noise_scaler=lambda level: level, max_stage=max_stage)
        scaler = (lambda level: level ** (eta + 1)) if solver_type == "Reverse-time SDE" else None
        return _made("er_sde", s_noise=s_noise, noise_scaler=scaler, max_stage=max_stage)


class SamplerSASolver(_Making):
    DESCRIPTION = "Stochastic Adams solver with a predictor and a corrector."
    SEARCH_ALIASES = ["sa solver", "predictor corrector", "stochastic"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that is sampled."),
                "eta": _option(1.0, _ETA_TIP, 10.0),
                "sde_start_percent": inputs.number(0.2, 0.0, 1.0, 0.001, "When noise begins to be added."),
                "sde_end_percent": inputs.number(0.8, 0.0, 1.0, 0.001, "When it ends."),
                "s_noise": _option(1.0, _NOISE_TIP),
                "predictor_order": inputs.integer(3, 1, 6, tooltip="Order of the predictor."),
                "corrector_order": inputs.integer(4, 0, 6, tooltip="Order of the corrector; 0 leaves it out."),
                "use_pece": ("BOOLEAN", {"tooltip": "Call the model once more after correcting."}),
                "simple_order_2": ("BOOLEAN", {"tooltip": "Simpler weights for two steps."}),
            }
        }

    def get_sampler(
        self, model: Any, eta: float, sde_start_percent: float, sde_end_percent: float, **options: Any
    ) -> tuple[Any]:
        from ..diffusion.sampling.solvers.sa import get_tau_interval_func

        sampling = model.get_model_object("model_sampling")
        start, end = sampling.percent_to_sigma(sde_start_percent), sampling.percent_to_sigma(sde_end_percent)
        return _made("sa_solver", tau_func=get_tau_interval_func(start, end, eta), **options)


class SamplerSEEDS2(_Making):
    DESCRIPTION = "SEEDS in two stages; with phi_2, r 1 and eta 0 it is the exponential Heun method."
    SEARCH_ALIASES = ["seeds 2", "exponential heun", "stochastic"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "solver_type": inputs.combo(["phi_1", "phi_2"], "How the two stages are combined."),
                "eta": _option(1.0, _ETA_TIP),
                "s_noise": _option(1.0, _NOISE_TIP),
                "r": _option(0.5, "Where in a step the second stage lies.", 1.0, 0.01),
            }
        }

    def get_sampler(self, **options: Any) -> tuple[Any]:
        return _made("seeds_2", **options)


class SamplerLCM(_Making):
    DESCRIPTION = "Latent consistency sampling with control over the noise between steps."
    SEARCH_ALIASES = ["lcm", "turbo", "distilled", "few steps"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "s_noise": inputs.number(1.0, 0.0, 64.0, 0.01, "Factor of the noise after the first step."),
                "s_noise_end": inputs.number(1.0, 0.0, 64.0, 0.01, "Factor of the noise before the last step."),
                "noise_clip_std": inputs.number(
                    0.0, 0.0, 10.0, 0.01, "Noise beyond so many deviations is clipped; 0 clips none."
                ),
            }
        }

    def get_sampler(self, **options: Any) -> tuple[Any]:
        return _made("lcm", **options)


NODES: dict[str, tuple[type, str]] = {
    "KSamplerSelect": (KSamplerSelect, "KSamplerSelect"),
    "SamplerEulerAncestral": (SamplerEulerAncestral, "SamplerEulerAncestral"),
    "SamplerEulerAncestralCFGPP": (SamplerEulerAncestralCFGPP, "SamplerEulerAncestralCFG++"),
    "SamplerLMS": (SamplerLMS, "SamplerLMS"),
    "SamplerDPMPP_2S_Ancestral": (SamplerDPMPP_2S_Ancestral, "SamplerDPMPP_2S_Ancestral"),
    "SamplerDPMPP_SDE": (SamplerDPMPP_SDE, "SamplerDPMPP_SDE"),
    "SamplerDPMPP_2M_SDE": (SamplerDPMPP_2M_SDE, "SamplerDPMPP_2M_SDE"),
    "SamplerDPMPP_3M_SDE": (SamplerDPMPP_3M_SDE, "SamplerDPMPP_3M_SDE"),
    "SamplerDPMAdaptative": (SamplerDPMAdaptative, "SamplerDPMAdaptative"),
    "SamplerER_SDE": (SamplerER_SDE, "SamplerER_SDE"),
    "SamplerSASolver": (SamplerSASolver, "SamplerSASolver"),
    "SamplerSEEDS2": (SamplerSEEDS2, "SamplerSEEDS2"),
    "SamplerLCM": (SamplerLCM, "SamplerLCM"),
}

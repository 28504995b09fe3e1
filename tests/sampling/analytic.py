"""Denoisers that are known in closed form: data from a Gaussian, so that the denoised latent is its posterior mean."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

#: Model type and settings of each kind of model that was recorded.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "sd15": ("EPS", {}),
    "sdxl_vpred_zsnr": ("V_PREDICTION", {"zsnr": True}),
    "sd2_vpred": ("V_PREDICTION", {}),
    "edm_pg25": ("EDM", {"sigma_data": 0.5, "sigma_max": 80.0, "sigma_min": 0.002}),
    "edm_vpred": ("V_PREDICTION_EDM", {"sigma_max": 120.0}),
    "svd": ("V_PREDICTION_EDM", {"sigma_max": 700.0, "sigma_min": 0.002}),
    "audio": ("V_PREDICTION_CONTINUOUS", {"sigma_max": 500.0, "sigma_min": 0.03}),
    "cascade": ("STABLE_CASCADE", {"shift": 2.0}),
    "hydit": ("V_PREDICTION", {"linear_start": 0.00085, "linear_end": 0.018}),
    "pixart": (
        "EPS",
        {"beta_schedule": "sqrt_linear", "linear_start": 0.0001, "linear_end": 0.02, "timesteps": 1000},
    ),
    "sd3": ("FLOW", {"shift": 3.0}),
    "auraflow": ("FLOW", {"multiplier": 1.0, "shift": 1.73}),
    "wan": ("FLOW", {"shift": 8.0}),
    "ltxv": ("FLOW", {"shift": 2.37}),
    "flux": ("FLUX", {}),
    "flux_schnell": ("FLOW", {"multiplier": 1.0, "shift": 1.0}),
    "cosmos_rflow": ("FLOW_COSMOS", {"sigma_data": 1.0, "sigma_max": 80.0, "sigma_min": 0.002}),
}
CFG = 3.0


class Patcher:
    """As much of a MODEL as samplers ask for."""

    def __init__(self, sampling: Any) -> None:
        self.sampling = sampling
        self.model_options: dict[str, Any] = {}
        self.load_device = "cpu"
        self.model = SimpleNamespace(model_sampling=sampling)

    def get_model_object(self, name: str) -> Any:
        assert name == "model_sampling"
        return self.sampling


def posterior_mean(x: Tensor, sigma: Tensor, mean: Tensor, deviation: float, flow: bool) -> Tensor:
    """The mean of data from N(mean, deviation²) given ``x``, in the order of operations of the recording."""
    s = deviation
    if flow:
        kept = 1 - sigma
        return mean + kept * s * s / (kept * kept * s * s + sigma * sigma) * (x - kept * mean)
    return (s * s * x + sigma * sigma * mean) / (s * s + sigma * sigma)


class AnalyticGuider:
    """What a solver sees as the guider: two Gaussians, guided by scale 3."""

    def __init__(self, sampling: Any, flow: bool) -> None:
        self.flow = flow
        self.model_patcher = Patcher(sampling)
        self.model_options: dict[str, Any] = {}
        self.calls: list[float] = []

        def outside(x: Tensor, sigma: Tensor, noise: Tensor, latent_image: Tensor, **_more: Any) -> Tensor:
            shaped = sigma.reshape([-1] + [1] * (noise.ndim - 1))
            return sampling.noise_scaling(shaped, noise, latent_image)  # type: ignore[no-any-return]

        self.inner_model = SimpleNamespace(
            model_sampling=sampling, model_patcher=self.model_patcher, scale_latent_inpaint=outside
        )
        generator = torch.Generator().manual_seed(99)
        self.positive = torch.randn(1, 4, 8, 8, generator=generator) * 0.8
        self.negative = torch.randn(1, 4, 8, 8, generator=generator) * 0.3

    def __call__(
        self, x: Tensor, sigma: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        self.calls.append(float(sigma.flatten()[0]))
        level = sigma.reshape([-1] + [1] * (x.ndim - 1)).to(x)
        cond = posterior_mean(x, level, self.positive, 0.5, self.flow)
        uncond = posterior_mean(x, level, self.negative, 0.9, self.flow)
        out = uncond + (cond - uncond) * CFG
        functions: list[Callable[[dict[str, Any]], Tensor]] = (model_options or {}).get("sampler_post_cfg_function", [])
        for function in functions:
            out = function(
                {
                    "denoised": out,
                    "cond": [],
                    "uncond": [],
                    "cond_scale": CFG,
                    "model": self.inner_model,
                    "uncond_denoised": uncond,
                    "cond_denoised": cond,
                    "sigma": sigma,
                    "model_options": model_options,
                    "input": x,
                }
            )
        return out

"""Ways of guiding and masking that nodes hang on a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def rescaled(args: dict[str, Any], multiplier: float) -> Tensor:
    """Guidance on velocities whose deviation is brought back to that of the positive one: Lin et al. 2023, 3.4.

    ``args`` as a ``sampler_cfg_function`` gets them; answers the noise to take away from the input.
    """
    x: Tensor = args["input"]
    sigma = args["sigma"].view(-1, *[1] * (x.ndim - 1))
    root = (sigma**2 + 1.0) ** 0.5
    given = x / (sigma * sigma + 1.0)
    cond, uncond = ((given - (x - args[name])) * root / sigma for name in ("cond", "uncond"))
    guided = uncond + args["cond_scale"] * (cond - uncond)
    sides = tuple(range(1, x.ndim))
    fitted = guided * (cond.std(dim=sides, keepdim=True) / guided.std(dim=sides, keepdim=True))
    mixed = multiplier * fitted + (1.0 - multiplier) * guided
    noise: Tensor = x - (given - mixed * sigma / root)
    return noise


def zero_star(args: dict[str, Any]) -> Tensor:
    """The guided latent with the negative one scaled to fit the positive one best: Fan et al. 2025, CFG-Zero*."""
    x, cond, uncond = args["input"], args["cond_denoised"], args["uncond_denoised"]
    positive, negative = (x - cond).flatten(1), (x - uncond).flatten(1)
    best = (positive * negative).sum(1, keepdim=True) / ((negative**2).sum(1, keepdim=True) + 1e-8)
    best = best.view(-1, *[1] * (x.ndim - 1))
    denoised: Tensor = args["denoised"]
    corrected: Tensor = denoised + uncond * (best - 1.0) + args["cond_scale"] * uncond * (1.0 - best)
    return corrected


def differential_mask(sigma: Tensor, mask: Tensor, extra_options: dict[str, Any], strength: float = 1.0) -> Tensor:
    """Where a soft mask lets the latent change at ``sigma``: Levin and Fried 2023, "Differential Diffusion"."""
    sampling = extra_options["model"].inner_model.model_sampling
    sigmas = extra_options["sigmas"]
    end = torch.maximum(sampling.sigma_min.to(sigmas.device), sigmas[-1])
    start_time, end_time = sampling.timestep(sigmas[0]), sampling.timestep(end)
    threshold = (sampling.timestep(sigma[0]) - end_time) / (start_time - end_time)
    allowed: Tensor = (mask >= threshold.to(mask.device)).to(mask.dtype)
    blended: Tensor = allowed if strength >= 1 else strength * allowed + (1 - strength) * mask
    return blended

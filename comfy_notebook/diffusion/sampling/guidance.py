"""Classifier-free guidance (Ho and Salimans 2022) with the functions that models carry around it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def cfg_function(
    model: Any,
    cond_pred: Tensor,
    uncond_pred: Tensor,
    cond_scale: float,
    x: Tensor,
    timestep: Tensor,
    model_options: dict[str, Any] | None = None,
    cond: Any = None,
    uncond: Any = None,
) -> Tensor:
    """Two denoised latents combined: by ``sampler_cfg_function`` of the options or by scale, then each
    ``sampler_post_cfg_function``."""
    options = {} if model_options is None else model_options
    common = {
        "cond_scale": cond_scale,
        "input": x,
        "sigma": timestep,
        "model": model,
        "model_options": options,
        "cond_denoised": cond_pred,
        "uncond_denoised": uncond_pred,
    }
    if "sampler_cfg_function" in options:
        args = {**common, "cond": x - cond_pred, "uncond": x - uncond_pred, "timestep": timestep}
        result: Tensor = x - options["sampler_cfg_function"](args)
    else:
        result = uncond_pred + (cond_pred - uncond_pred) * cond_scale
    for function in options.get("sampler_post_cfg_function", []):
        result = function({**common, "denoised": result, "cond": cond, "uncond": uncond})
    return result


def pre_cfg(
    outputs: list[Tensor],
    conds: list[Any],
    model: Any,
    x: Tensor,
    timestep: Tensor,
    cond_scale: float,
    model_options: dict[str, Any],
) -> list[Tensor]:
    """The denoised latents of each conditioning after ``sampler_pre_cfg_function``s."""
    for function in model_options.get("sampler_pre_cfg_function", []):
        outputs = function(
            {
                "conds": conds,
                "conds_out": outputs,
                "cond_scale": cond_scale,
                "timestep": timestep,
                "input": x,
                "sigma": timestep,
                "model": model,
                "model_options": model_options,
            }
        )
    return outputs


def sampling_function(
    model: Any,
    x: Tensor,
    timestep: Tensor,
    uncond: Any,
    cond: Any,
    cond_scale: float,
    model_options: dict[str, Any] | None = None,
    seed: int | None = None,
) -> Tensor:
    """The guided denoised latent for ``x`` at sigmas ``timestep``; a scale of 1 leaves ``uncond`` out."""
    from . import samplers

    options = {} if model_options is None else model_options
    alone = math.isclose(cond_scale, 1.0) and not options.get("disable_cfg1_optimization", False)
    conds = [cond, None if alone else uncond]
    if "sampler_calc_cond_batch_function" in options:
        args = {"conds": conds, "input": x, "sigma": timestep, "model": model, "model_options": options}
        outputs = options["sampler_calc_cond_batch_function"](args)
    else:
        outputs = samplers.calc_cond_batch(model, conds, x, timestep, options)
    outputs = pre_cfg(outputs, conds, model, x, timestep, cond_scale, options)
    return samplers.cfg_function(
        model, outputs[0], outputs[1], cond_scale, x, timestep, model_options=options, cond=cond, uncond=conds[1]
    )

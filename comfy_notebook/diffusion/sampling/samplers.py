"""``comfy.samplers``: sampling from the outside, and the parts of it that custom nodes borrow and replace.

Our own code calls these functions through this module, so what is put here in their place is what runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cond_batch import calc_cond_batch, can_concat_cond, cond_cat, get_area_and_mult
from .conditioning import (
    apply_empty_x_to_equal_area,
    calculate_start_end_timesteps,
    create_cond_with_same_area_if_none,
    encode_model_conds,
    pre_run_control,
    process_conds,
    resolve_areas_and_cond_masks_multidim,
)
from .guidance import cfg_function, sampling_function
from .guiders import CFGGuider
from .ksampler import KSAMPLER_NAMES, SAMPLER_NAMES, SCHEDULER_NAMES, KSampler
from .sampler_objects import KSAMPLER, KSamplerX0Inpaint, Sampler, ksampler, sampler_object
from .schedules import (
    SCHEDULER_HANDLERS,
    SchedulerHandler,
    beta_scheduler,
    calculate_sigmas,
    ddim_scheduler,
    kl_optimal_scheduler,
    linear_quadratic_schedule,
    normal_scheduler,
    simple_scheduler,
)

if TYPE_CHECKING:
    from torch import Tensor


def sample(
    model: Any,
    noise: Tensor,
    positive: Any,
    negative: Any,
    cfg: float,
    device: Any,
    sampler: Sampler,
    sigmas: Tensor,
    model_options: dict[str, Any] | None = None,
    latent_image: Any = None,
    denoise_mask: Tensor | None = None,
    callback: Any = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Tensor:
    """The latent that ``sampler`` makes with a MODEL, guided by ``positive`` and ``negative`` at scale ``cfg``."""
    guider = CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(cfg)
    return guider.sample(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)


__all__ = [
    "KSAMPLER",
    "KSAMPLER_NAMES",
    "SAMPLER_NAMES",
    "SCHEDULER_HANDLERS",
    "SCHEDULER_NAMES",
    "CFGGuider",
    "KSampler",
    "KSamplerX0Inpaint",
    "Sampler",
    "SchedulerHandler",
    "apply_empty_x_to_equal_area",
    "beta_scheduler",
    "calc_cond_batch",
    "calculate_sigmas",
    "calculate_start_end_timesteps",
    "can_concat_cond",
    "cfg_function",
    "cond_cat",
    "create_cond_with_same_area_if_none",
    "ddim_scheduler",
    "encode_model_conds",
    "get_area_and_mult",
    "kl_optimal_scheduler",
    "ksampler",
    "linear_quadratic_schedule",
    "normal_scheduler",
    "pre_run_control",
    "process_conds",
    "resolve_areas_and_cond_masks_multidim",
    "sample",
    "sampler_object",
    "sampling_function",
    "simple_scheduler",
]

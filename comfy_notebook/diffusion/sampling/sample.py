"""``comfy.sample``: noise and sampling by names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from . import checks, masks
from .noise import prepare_noise

if TYPE_CHECKING:
    from torch import Tensor


def fix_empty_latent_channels(model: Any, latent_image: Tensor, downscale_ratio_spacial: int | None = None) -> Tensor:
    """An empty (all zero) latent with the channels, size and dimensions that ``model`` works on; any other as it is.

    ``downscale_ratio_spacial``: pixels of the picture for each pixel of the empty latent, where known.
    """
    checks.check_tensor(latent_image)
    latent_format = model.get_model_object("latent_format")
    if not bool(torch.count_nonzero(latent_image)):
        latent_image = masks.repeat_to_batch_size(latent_image, latent_format.latent_channels, dim=1)
        ratio = getattr(latent_format, "spacial_downscale_ratio", 8)
        if downscale_ratio_spacial is not None and downscale_ratio_spacial != ratio:
            sides = [max(1, round(side * downscale_ratio_spacial / ratio)) for side in latent_image.shape[-2:]]
            latent_image = latent_image.new_zeros([*latent_image.shape[:-2], *sides])
    if getattr(latent_format, "latent_dimensions", 2) == 3 and latent_image.ndim == 4:
        latent_image = latent_image.unsqueeze(2)
    return latent_image


def sample(
    model: Any,
    noise: Tensor,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent_image: Tensor,
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
    noise_mask: Tensor | None = None,
    sigmas: Tensor | None = None,
    callback: Any = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Tensor:
    """The latent after sampling, on the device where results wait; arguments as those of the KSampler nodes."""
    from .. import memory
    from . import samplers

    sampler = samplers.KSampler(
        model, steps=steps, device=model.load_device, sampler=sampler_name, scheduler=scheduler, denoise=denoise,
        model_options=model.model_options,
    )  # fmt: skip
    made = sampler.sample(
        noise, positive, negative, cfg=cfg, latent_image=latent_image, start_step=start_step, last_step=last_step,
        force_full_denoise=force_full_denoise, denoise_mask=noise_mask, sigmas=sigmas, callback=callback,
        disable_pbar=disable_pbar, seed=seed,
    )  # fmt: skip
    return made.to(memory.intermediate_device())  # type: ignore[no-any-return]


def sample_custom(
    model: Any,
    noise: Tensor,
    cfg: float,
    sampler: Any,
    sigmas: Tensor,
    positive: Any,
    negative: Any,
    latent_image: Tensor,
    noise_mask: Tensor | None = None,
    callback: Any = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Tensor:
    """The latent after sampling with a SAMPLER along SIGMAS."""
    from .. import memory
    from . import samplers

    made = samplers.sample(
        model, noise, positive, negative, cfg, model.load_device, sampler, sigmas, model_options=model.model_options,
        latent_image=latent_image, denoise_mask=noise_mask, callback=callback, disable_pbar=disable_pbar, seed=seed,
    )  # fmt: skip
    return made.to(memory.intermediate_device())


__all__ = ["fix_empty_latent_channels", "prepare_noise", "sample", "sample_custom"]

"""Ready-made patches of U-Nets: perturbed attention guidance and FreeU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .patch_options import copy_options

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher


def perturbed_attention(model: ModelPatcher, scale: float) -> ModelPatcher:
    """A clone that is led away from its own output with self-attention switched off in the middle block."""
    made = model.clone()

    def only_values(query: Tensor, key: Tensor, value: Tensor, options: Any, mask: Any = None) -> Tensor:
        return value

    def guided(given: dict[str, Any]) -> Tensor:
        from .sampling.samplers import calc_cond_batch

        denoised: Tensor = given["denoised"]
        if scale == 0:
            return denoised
        options = copy_options(given["model_options"])
        replaced = options.setdefault("transformer_options", {}).setdefault("patches_replace", {})
        replaced["attn1"] = {**replaced.get("attn1", {}), ("middle", 0): only_values}
        (lost,) = calc_cond_batch(given["model"], [given["cond"]], given["input"], given["sigma"], options)
        made_with: Tensor = given["cond_denoised"]
        return denoised + (made_with - lost) * scale

    made.set_model_sampler_post_cfg_function(guided)
    return made


def freeu(
    model: ModelPatcher, backbone: tuple[float, float], skip: tuple[float, float], adaptive: bool
) -> ModelPatcher:
    """A clone whose output blocks weigh half of the backbone's channels by ``backbone`` and the low frequencies of the
    skip connections by ``skip``, for the deepest two widths. ``adaptive``: follow the backbone's own strength."""
    made = model.clone()
    width = model.model.model_config.unet_config["block_out_channels"][0]
    by_channels = {width * 4: (backbone[0], skip[0]), width * 2: (backbone[1], skip[1])}

    def weighed(hidden: Tensor, carried: Tensor, options: Any) -> tuple[Tensor, Tensor]:
        scales = by_channels.get(hidden.shape[1])
        if scales is None:
            return hidden, carried
        half = hidden.shape[1] // 2
        hidden = hidden.clone()
        hidden[:, :half] = hidden[:, :half] * (_following(hidden, scales[0]) if adaptive else scales[0])
        return hidden, low_frequencies_scaled(carried, scales[1])

    made.set_model_output_block_patch(weighed)
    return made


def _following(hidden: Tensor, scale: float) -> Tensor:
    """1 where the backbone is weakest, ``scale`` where it is strongest."""
    mean = hidden.mean(1, keepdim=True)
    flat = mean.flatten(1)
    low = flat.min(dim=1, keepdim=True)[0][..., None, None]
    high = flat.max(dim=1, keepdim=True)[0][..., None, None]
    return (scale - 1) * (mean - low) / (high - low) + 1


def low_frequencies_scaled(x: Tensor, scale: float, radius: int = 1) -> Tensor:
    """``x`` ``[B,C,H,W]`` with its lowest spatial frequencies multiplied by ``scale``."""
    import torch

    spectrum = torch.fft.fftshift(torch.fft.fftn(x.float(), dim=(-2, -1)), dim=(-2, -1))
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    spectrum[..., height - radius : height + radius, width - radius : width + radius] *= scale
    back: Tensor = torch.fft.ifftn(torch.fft.ifftshift(spectrum, dim=(-2, -1)), dim=(-2, -1))
    return back.real.to(x.dtype)

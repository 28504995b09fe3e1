"""Self-attention guidance: Hong et al. 2023, "Improving Sample Quality of Diffusion Models Using Self-Attention
Guidance". Where the middle of the network looks most, its own answer is blurred, noised and denoised again; guidance
leads away from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from .attention import optimized_attention
from .patch_options import copy_options

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher

#: Pixels of the latent that a blur reaches over, as in the paper's code.
_KERNEL = 9


def self_attention_guidance(model: ModelPatcher, scale: float, blur_sigma: float) -> ModelPatcher:
    """A clone led away, ``scale`` strong, from what it makes of its blurred answer to the negative prompt."""
    made = model.clone()
    seen: dict[str, Any] = {}

    def watch(query: Tensor, key: Tensor, value: Tensor, options: Any, mask: Any = None) -> Tensor:
        """Attention that remembers, for the negative part of the batch, how much each place is looked at."""
        heads = options["n_heads"]
        which: list[int] = options["cond_or_uncond"]
        if 1 in which:
            part = query.shape[0] // len(which)
            chosen = slice(which.index(1) * part, (which.index(1) + 1) * part)
            seen["looked_at"] = _looked_at(query[chosen], key[chosen], heads)
            seen["size"] = options["activations_shape"][-2:]
        return optimized_attention(query, key, value, heads, mask)

    def lead(args: dict[str, Any]) -> Tensor:
        from .sampling import samplers

        denoised: Tensor = args["denoised"]
        x, uncond = args["input"], args["uncond_denoised"]
        if args["uncond"] is None or "looked_at" not in seen or min(x.shape[-2:]) <= _KERNEL // 2:
            return denoised
        degraded = _blurred_where(uncond, seen.pop("looked_at") > 1.0, seen.pop("size"), blur_sigma)
        options = copy_options(args["model_options"])
        options["transformer_options"].get("patches_replace", {}).get("attn1", {}).pop(("middle", 0, 0), None)
        noised = degraded + x - uncond
        (again,) = samplers.calc_cond_batch(args["model"], [args["uncond"]], noised, args["sigma"], options)
        return denoised + (degraded - again) * scale

    made.set_model_sampler_post_cfg_function(lead, disable_cfg1_optimization=True)
    made.set_model_attn1_replace(watch, "middle", 0, 0)
    return made


def _looked_at(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """How much attention each place gets from all, the mean over heads: ``[B,T]``; 1 is the average."""
    batch, _, width = query.shape
    q, k = (part.reshape(batch, -1, heads, width // heads).transpose(1, 2).float() for part in (query, key))
    weights = (q @ k.transpose(-1, -2) * (width // heads) ** -0.5).softmax(dim=-1)
    received: Tensor = weights.mean(dim=1).sum(dim=1)
    return received


def _blurred_where(x: Tensor, looked_at: Tensor, size: Any, blur_sigma: float) -> Tensor:
    """``x`` ``[B,C,h,w]`` blurred where ``looked_at`` ``[B,T]`` says so, on a grid of ``size`` places."""
    mask = looked_at.view(x.shape[0], 1, *size).to(x.dtype)
    mask = functional.interpolate(mask, x.shape[-2:])
    return _blurred(x, blur_sigma) * mask + x * (1.0 - mask)


def _blurred(x: Tensor, sigma: float) -> Tensor:
    places = torch.arange(_KERNEL, device=x.device, dtype=x.dtype) - _KERNEL // 2
    if sigma <= 0:
        return x
    line = torch.exp(-0.5 * (places / sigma) ** 2)
    line = line / line.sum()
    channels = x.shape[1]
    padded = functional.pad(x, [_KERNEL // 2] * 4, mode="reflect")
    rows = functional.conv2d(padded, line.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return functional.conv2d(rows, line.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

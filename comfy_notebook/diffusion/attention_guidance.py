"""Normalized attention guidance: Chen et al. 2025, "Normalized Attention Guidance: Universal Negative Guidance for
Diffusion Models". What the picture sees of the prompt is led away from what it would see of the negative prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .sampling.wrappers import WrappersMP

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher

_ALONE = "negative_only_in_attention"


def normalized_attention_guidance(model: ModelPatcher, scale: float, alpha: float, tau: float) -> ModelPatcher:
    """A clone whose attention is led away ``scale`` strong (1 is off) from the negative prompt's.

    What comes out is no longer than ``tau`` times what was there, and mixed in by ``alpha``. At a cfg of 1 the negative
    prompt acts here alone: both halves of the batch go on with the same picture. At others it keeps a picture of its
    own, which guidance then needs. Both prompts have to fit into one call of the network.
    """
    made = model.clone()
    before = made.model_options["transformer_options"].get("optimized_attention_override")

    def attend(func: Any, q: Tensor, k: Tensor, v: Tensor, heads: int, **more: Any) -> Tensor:
        options = more.get("transformer_options") or {}
        out: Tensor = func(q, k, v, heads, **more) if before is None else before(func, q, k, v, heads, **more)
        which = list(options.get("cond_or_uncond", ()))
        if sorted(which) != [0, 1]:
            return out
        parts = list(out.chunk(2))
        positive, negative = parts[which.index(0)], parts[which.index(1)]
        picture = _picture_tokens(positive.shape[1], options.get("text_tokens"))
        guided = positive.clone()
        guided[:, picture] = _guided(positive[:, picture], negative[:, picture], scale, alpha, tau)
        parts[which.index(0)] = guided
        if options.get(_ALONE):
            alike = negative.clone()
            alike[:, picture] = guided[:, picture]
            parts[which.index(1)] = alike
        return torch.cat(parts)

    def predict(executor: Any, x: Tensor, timestep: Tensor, model_options: dict[str, Any], *rest: Any) -> Tensor:
        alone = abs(getattr(executor.class_obj, "cfg", 0.0) - 1.0) < 1e-9
        options = {**model_options["transformer_options"], _ALONE: alone}
        told = {**model_options, "transformer_options": options, "disable_cfg1_optimization": True}
        return executor(x, timestep, told, *rest)  # type: ignore[no-any-return]

    if scale > 1.0 and alpha > 0.0:
        made.model_options["transformer_options"]["optimized_attention_override"] = attend
        made.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "nag", predict)
    return made


def _picture_tokens(length: int, text: slice | None) -> slice:
    """Which of ``length`` tokens are the picture's, beside ``text``, which comes first or last."""
    if text is None:
        return slice(0, length)
    first, last, _ = text.indices(length)
    return slice(last, length) if first == 0 else slice(0, first)


def _guided(positive: Tensor, negative: Tensor, scale: float, alpha: float, tau: float) -> Tensor:
    away = positive * scale - negative * (scale - 1.0)
    allowed = positive.abs().sum(dim=-1, keepdim=True) * tau
    shortened = away * (allowed / away.abs().sum(dim=-1, keepdim=True).clamp(min=1e-7)).clamp(max=1.0)
    return shortened * alpha + positive * (1.0 - alpha)

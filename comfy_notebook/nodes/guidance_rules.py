"""Models whose guidance follows a rule from a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor


def _model() -> inputs.Spec:
    return inputs.socket("MODEL", "The model.")


class APG:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "sampling/custom_sampling"
    SEARCH_ALIASES = ["adaptive projected guidance", "oversaturation", "high cfg"]
    DESCRIPTION = (
        "Guides mostly across the positive answer instead of along it, which keeps colours natural at a high cfg "
        "(Sadat et al. 2024)."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "eta": inputs.number(1.0, -10.0, 10.0, 0.01, "What remains of the part along; 1 is all of it."),
                "norm_threshold": inputs.number(5.0, 0.0, 50.0, 0.1, "The longest step of guidance; 0 is any."),
                "momentum": inputs.number(0.0, -5.0, 1.0, 0.01, "How much of earlier steps is added; below 0 works."),
            }
        }

    def patch(self, model: Any, eta: float, norm_threshold: float, momentum: float) -> tuple[Any]:
        from ..diffusion.sampling.guidance_rules import ProjectedGuidance

        changed = model.clone()
        changed.set_model_sampler_pre_cfg_function(ProjectedGuidance(eta, norm_threshold, momentum))
        return (changed,)


class TCFG:
    RETURN_TYPES = ("MODEL",)
    RETURN_NAMES = ("patched_model",)
    FUNCTION = "patch"
    CATEGORY = "advanced/guidance"
    SEARCH_ALIASES = ["tangential damping", "guidance", "negative"]
    DESCRIPTION = "Removes from the negative answer what does not lie in line with the positive one (Kwon et al. 2025)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": _model()}}

    def patch(self, model: Any) -> tuple[Any]:
        def damp(args: dict[str, Any]) -> list[Tensor]:
            from ..diffusion.sampling.guidance_rules import tangential_damping

            return tangential_damping(args)

        changed = model.clone()
        changed.set_model_sampler_pre_cfg_function(damp)
        return (changed,)


class RenormCFG:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/model"
    SEARCH_ALIASES = ["lumina", "renormalize guidance", "cfg truncation"]
    DESCRIPTION = "Guidance that is made no longer than the positive answer, as Lumina-Image 2.0 samples."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "cfg_trunc": inputs.number(100, 0.0, 100.0, 0.01, "Guide until this time; from 1 on: always."),
                "renorm_cfg": inputs.number(1.0, 0.0, 100.0, 0.01, "How long it may be; 0 is any length."),
            }
        }

    def patch(self, model: Any, cfg_trunc: float, renorm_cfg: float) -> tuple[Any]:
        def guide(args: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling.guidance_rules import renormed

            return renormed(args, renorm_cfg, cfg_trunc)

        changed = model.clone()
        changed.set_model_sampler_cfg_function(guide)
        return (changed,)


class EpsilonScaling:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["exposure bias", "noise scale"]
    DESCRIPTION = "Divides the predicted noise a little, against errors that add up over the steps (Ning et al. 2024)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        factor = inputs.number(1.005, 0.5, 1.5, 0.001, "By how much; 1 is off.", display="number")
        return {"required": {"model": _model(), "scaling_factor": factor}}

    def patch(self, model: Any, scaling_factor: float) -> tuple[Any]:
        def scale(args: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling.guidance_rules import epsilon_scaled

            return epsilon_scaled(args, scaling_factor)

        changed = model.clone()
        changed.set_model_sampler_post_cfg_function(scale)
        return (changed,)


class FreSca:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["frequency scaling", "details", "guidance"]
    DESCRIPTION = "Guides coarse and fine structure with strengths of their own (Huang et al. 2025)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "scale_low": inputs.number(1.0, 0, 10, 0.01, "Strength of coarse structure."),
                "scale_high": inputs.number(1.25, 0, 10, 0.01, "Strength of fine structure."),
                "freq_cutoff": inputs.integer(20, 1, 10000, 1, "How many frequencies from the centre are coarse."),
            }
        }

    def patch(self, model: Any, scale_low: float, scale_high: float, freq_cutoff: int) -> tuple[Any]:
        def scale(args: dict[str, Any]) -> list[Tensor]:
            from ..diffusion.sampling.guidance_rules import frequencies_scaled

            return frequencies_scaled(args, scale_low, scale_high, freq_cutoff)

        changed = model.clone()
        changed.set_model_sampler_pre_cfg_function(scale)
        return (changed,)


class NAGuidance:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/guidance"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["nag", "negative prompt", "schnell", "distilled", "turbo"]
    DESCRIPTION = "Lets a negative prompt act at a cfg of 1, within attention (Chen et al. 2025)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "nag_scale": inputs.number(5.0, 0.0, 50.0, 0.1, "How far from the negative prompt; 1 is off."),
                "nag_alpha": inputs.number(0.5, 0.0, 1.0, 0.01, "How much of it is mixed in."),
                "nag_tau": inputs.number(1.5, 1.0, 10.0, 0.01, "How much longer the result of attention may get."),
            }
        }

    def patch(self, model: Any, nag_scale: float, nag_alpha: float, nag_tau: float) -> tuple[Any]:
        from ..diffusion.attention_guidance import normalized_attention_guidance

        return (normalized_attention_guidance(model, nag_scale, nag_alpha, nag_tau),)


NODES: dict[str, tuple[type, str | None]] = {
    "APG": (APG, "Adaptive Projected Guidance"),
    "TCFG": (TCFG, "Tangential Damping CFG"),
    "RenormCFG": (RenormCFG, None),
    "Epsilon Scaling": (EpsilonScaling, None),
    "FreSca": (FreSca, "FreSca"),
    "NAGuidance": (NAGuidance, "Normalized Attention Guidance"),
}

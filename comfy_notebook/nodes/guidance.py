"""Models whose guidance, or whose inpaint mask, works in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor


def _model() -> inputs.Spec:
    return inputs.socket("MODEL", "The model.")


class RescaleCFG:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/model"
    DESCRIPTION = "Keeps pictures from overexposure at a high cfg, for models that predict velocity."
    SEARCH_ALIASES = ["guidance rescale", "overexposed", "v prediction", "burnt"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "multiplier": inputs.number(0.7, 0.0, 1.0, 0.01, "How much of it; 0 is off."),
            }
        }

    def patch(self, model: Any, multiplier: float) -> tuple[Any]:
        def guide(args: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling import rescaling

            return rescaling.rescaled(args, multiplier)

        changed = model.clone()
        changed.set_model_sampler_cfg_function(guide)
        return (changed,)


class CFGNorm:
    RETURN_TYPES = ("MODEL",)
    RETURN_NAMES = ("patched_model",)
    FUNCTION = "patch"
    CATEGORY = "advanced/guidance"
    DESCRIPTION = "Keeps what guidance makes no longer than what the positive prompt alone gives."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["normalize guidance", "qwen edit", "overexposed"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"model": _model(), "strength": inputs.number(1.0, 0.0, 100.0, 0.01, "Factor of the result.")}
        }

    def patch(self, model: Any, strength: float) -> tuple[Any]:
        def shorten(args: dict[str, Any]) -> Tensor:
            denoised: Tensor = args["denoised"]
            lengths = denoised.norm(dim=1, keepdim=True)
            scale = (args["cond_denoised"].norm(dim=1, keepdim=True) / (lengths + 1e-8)).clamp(min=0.0, max=1.0)
            shortened: Tensor = denoised * scale * strength
            return shortened

        changed = model.clone()
        changed.set_model_sampler_post_cfg_function(shorten)
        return (changed,)


class CFGZeroStar:
    RETURN_TYPES = ("MODEL",)
    RETURN_NAMES = ("patched_model",)
    FUNCTION = "patch"
    CATEGORY = "advanced/guidance"
    DESCRIPTION = "CFG-Zero*: scales the negative prompt's answer so that it fits the positive one best."
    SEARCH_ALIASES = ["cfg zero star", "flow matching", "guidance"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": _model()}}

    def patch(self, model: Any) -> tuple[Any]:
        def correct(args: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling import rescaling

            return rescaling.zero_star(args)

        changed = model.clone()
        changed.set_model_sampler_post_cfg_function(correct)
        return (changed,)


class CFGOverride:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/guidance"
    DESCRIPTION = "Another cfg for a part of sampling; where several overlap, the one nearest the sampler holds."
    SEARCH_ALIASES = ["cfg schedule", "dynamic cfg", "guidance interval", "percent"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "cfg": inputs.number(1.0, 0.0, 100.0, 0.1, "The cfg in that part.", round=0.01),
                "start_percent": inputs.number(0.0, 0.0, 1.0, 0.001, "When it begins, from 0 to 1."),
                "end_percent": inputs.number(1.0, 0.0, 1.0, 0.001, "When it ends."),
            }
        }

    def patch(self, model: Any, cfg: float, start_percent: float, end_percent: float) -> tuple[Any]:
        from ..diffusion.sampling.wrappers import WrappersMP

        sampling = model.get_model_object("model_sampling")
        start, end = sampling.percent_to_sigma(start_percent), sampling.percent_to_sigma(end_percent)

        def override(executor: Any, x: Tensor, timestep: Tensor, *rest: Any, **more: Any) -> Any:
            guider = executor.class_obj
            if not end <= float(timestep.max()) <= start or not hasattr(guider, "cfg"):
                return executor(x, timestep, *rest, **more)
            before = guider.cfg
            guider.cfg = cfg
            try:
                return executor(x, timestep, *rest, **more)
            finally:
                guider.cfg = before

        changed = model.clone()
        changed.add_wrapper(WrappersMP.PREDICT_NOISE, override)
        return (changed,)


class PerpNeg:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing"
    DESCRIPTION = "The older form of PerpNegGuider, as a change to a model."
    EXPERIMENTAL = True
    DEPRECATED = True
    SEARCH_ALIASES = ["perpendicular negative", "perp neg"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "empty_conditioning": inputs.socket("CONDITIONING", "An empty prompt, encoded."),
                "neg_scale": inputs.number(1.0, 0.0, 100.0, 0.01, "How much is avoided."),
            }
        }

    def patch(self, model: Any, empty_conditioning: Any, neg_scale: float) -> tuple[Any]:
        from ..diffusion.sampling.conditioning import convert_cond

        empty = convert_cond(empty_conditioning)

        def guide(args: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling import guiders, samplers

            network, x, sigma = args["model"], args["input"], args["sigma"]
            ready = samplers.encode_model_conds(network.extra_conds, list(empty), x, x.device, "negative")
            (without,) = samplers.calc_cond_batch(network, [ready], x, sigma, args["model_options"])
            return guiders.perp_neg(
                x - args["cond_denoised"], x - args["uncond_denoised"], x - without, neg_scale, args["cond_scale"]
            )

        changed = model.clone()
        changed.set_model_sampler_cfg_function(guide)
        return (changed,)


class DifferentialDiffusion:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "execute"
    CATEGORY = "_for_testing"
    DESCRIPTION = "Grey parts of a noise mask change for a part of the steps only: the lighter, the longer."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["soft inpainting", "gradient mask", "change map"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"model": _model()},
            "optional": {"strength": inputs.number(1.0, 0.0, 1.0, 0.01, "How much of it; 0 is an ordinary soft mask.")},
        }

    def execute(self, model: Any, strength: float = 1.0) -> tuple[Any]:
        def mask_now(sigma: Tensor, denoise_mask: Tensor, extra_options: dict[str, Any]) -> Tensor:
            from ..diffusion.sampling import rescaling

            return rescaling.differential_mask(sigma, denoise_mask, extra_options, strength)

        changed = model.clone()
        changed.set_model_denoise_mask_function(mask_now)
        return (changed,)


NODES: dict[str, tuple[type, str]] = {
    "RescaleCFG": (RescaleCFG, "RescaleCFG"),
    "CFGNorm": (CFGNorm, "CFGNorm"),
    "CFGZeroStar": (CFGZeroStar, "CFGZeroStar"),
    "CFGOverride": (CFGOverride, "CFG Override"),
    "PerpNeg": (PerpNeg, "Perp-Neg (DEPRECATED by PerpNegGuider)"),
    "DifferentialDiffusion": (DifferentialDiffusion, "Differential Diffusion"),
}

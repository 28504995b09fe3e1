"""GUIDERs: models with their prompts, for SamplerCustomAdvanced."""

from __future__ import annotations

from typing import Any

from . import inputs
from .sampling import cfg_input

_MODEL_TIP = "The model that takes the noise away."


class _Guiding:
    RETURN_TYPES = ("GUIDER",)
    FUNCTION = "get_guider"
    CATEGORY = "sampling/custom_sampling/guiders"


class BasicGuider(_Guiding):
    DESCRIPTION = "One prompt without guidance: for distilled models."
    SEARCH_ALIASES = ["no cfg", "flux", "distilled", "single prompt"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", _MODEL_TIP),
                "conditioning": inputs.socket("CONDITIONING", "What the picture should show."),
            }
        }

    def get_guider(self, model: Any, conditioning: Any) -> tuple[Any]:
        from ..diffusion.sampling import guiders

        guider = guiders.BasicGuider(model)
        guider.set_conds(conditioning)
        return (guider,)


class CFGGuider(_Guiding):
    DESCRIPTION = "A positive and a negative prompt, guided by a scale."
    SEARCH_ALIASES = ["classifier free guidance", "cfg", "negative prompt"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", _MODEL_TIP),
                "positive": inputs.socket("CONDITIONING", "What the picture should show."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "cfg": cfg_input(),
            }
        }

    def get_guider(self, model: Any, positive: Any, negative: Any, cfg: float) -> tuple[Any]:
        from ..diffusion.sampling import samplers

        guider = samplers.CFGGuider(model)
        guider.set_conds(positive, negative)
        guider.set_cfg(cfg)
        return (guider,)


class DualCFGGuider(_Guiding):
    DESCRIPTION = "Two prompts and a negative one, with a scale for each pair."
    SEARCH_ALIASES = ["dual cfg", "instruct pix2pix", "two prompts"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", _MODEL_TIP),
                "cond1": inputs.socket("CONDITIONING", "What the picture should show."),
                "cond2": inputs.socket("CONDITIONING", "What lies between that and the negative prompt."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "cfg_conds": cfg_input("How far from the second prompt to the first."),
                "cfg_cond2_negative": cfg_input("How far from the negative prompt to the second."),
                "style": inputs.options(["regular", "nested"], "One scale after the other, or one inside the other."),
            }
        }

    def get_guider(
        self,
        model: Any,
        cond1: Any,
        cond2: Any,
        negative: Any,
        cfg_conds: float,
        cfg_cond2_negative: float,
        style: str = "regular",
    ) -> tuple[Any]:
        from ..diffusion.sampling import guiders

        guider = guiders.DualCFGGuider(model)
        guider.set_conds(cond1, cond2, negative)
        guider.set_cfg(cfg_conds, cfg_cond2_negative, nested=style == "nested")
        return (guider,)


class PerpNegGuider:
    RETURN_TYPES = ("GUIDER",)
    FUNCTION = "get_guider"
    CATEGORY = "_for_testing"
    DESCRIPTION = "A negative prompt of which only what is not in the positive one is avoided."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["perpendicular negative", "perp neg", "negative prompt"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", _MODEL_TIP),
                "positive": inputs.socket("CONDITIONING", "What the picture should show."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "empty_conditioning": inputs.socket("CONDITIONING", "An empty prompt, encoded."),
                "cfg": cfg_input(),
                "neg_scale": inputs.number(1.0, 0.0, 100.0, 0.01, "How much is avoided."),
            }
        }

    def get_guider(
        self, model: Any, positive: Any, negative: Any, empty_conditioning: Any, cfg: float, neg_scale: float
    ) -> tuple[Any]:
        from ..diffusion.sampling import guiders

        guider = guiders.PerpNegGuider(model)
        guider.set_conds(positive, negative, empty_conditioning)
        guider.set_cfg(cfg, neg_scale)
        return (guider,)


NODES: dict[str, tuple[type, str]] = {
    "BasicGuider": (BasicGuider, "BasicGuider"),
    "CFGGuider": (CFGGuider, "CFGGuider"),
    "DualCFGGuider": (DualCFGGuider, "DualCFGGuider"),
    "PerpNegGuider": (PerpNegGuider, "PerpNegGuider"),
}

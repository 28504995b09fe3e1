"""Style models: prompts continued by what a picture looks like."""

from __future__ import annotations

import math
from typing import Any

from . import inputs, model_files
from .conditioning_values import Conditioning


class StyleModelLoader:
    RETURN_TYPES = ("STYLE_MODEL",)
    FUNCTION = "load_style_model"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["redux", "style adapter"]
    DESCRIPTION = "A style model, such as Flux Redux: it turns pictures into a part of the prompt."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"style_model_name": model_files.chooser("style_models", "A file of models/style_models.")}}

    def load_style_model(self, style_model_name: str) -> tuple[Any]:
        from ..diffusion.style import load_style_model

        return (load_style_model(model_files.path("style_models", style_model_name)),)

    @classmethod
    def IS_CHANGED(cls, style_model_name: str) -> str:
        return model_files.stamp("style_models", style_model_name)


class StyleModelApply:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "apply_stylemodel"
    CATEGORY = "conditioning/style_model"
    SEARCH_ALIASES = ["redux", "style transfer", "image prompt"]
    DESCRIPTION = "A prompt continued by pictures, as an image encoder saw them."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING"),
                "style_model": inputs.socket("STYLE_MODEL"),
                "clip_vision_output": inputs.socket("CLIP_VISION_OUTPUT"),
                "strength": inputs.number(1.0, 0.0, 10.0, 0.001, "How much the pictures count against the text."),
                "strength_type": inputs.options(
                    ["multiply", "attn_bias"], "Scale what was seen, or how much attention it gets (Flux)."
                ),
            }
        }

    def apply_stylemodel(
        self,
        conditioning: Conditioning,
        style_model: Any,
        clip_vision_output: Any,
        strength: float,
        strength_type: str,
    ) -> tuple[Conditioning]:
        import torch

        from ..diffusion.attention_bias import with_tokens

        tokens = style_model.get_cond(clip_vision_output).flatten(0, 1)[None]
        if strength_type == "multiply":
            tokens, strength = tokens * strength, 1.0
        made = []
        for text, known, *rest in conditioning:
            if tokens.shape[2] != text.shape[2]:
                raise ValueError(
                    f"this style model makes tokens of {tokens.shape[2]} numbers, the prompt's have {text.shape[2]}: "
                    "it was made for models of another family"
                )
            options = dict(known)
            if strength != 1.0 or options.get("attention_mask") is not None:
                shape = options.setdefault("attention_mask_img_shape", (1, 1))
                bias = math.log(strength) if strength > 0 else -math.inf
                options["attention_mask"] = with_tokens(
                    options.get("attention_mask"), shape, text.shape[0], text.shape[1], tokens.shape[1], bias
                )
            own = tokens.to(text).expand(text.shape[0], -1, -1)
            made.append([torch.cat([text, own], dim=1), options, *rest])
        return (made,)


NODES: dict[str, tuple[type, str | None]] = {
    "StyleModelLoader": (StyleModelLoader, "Load Style Model"),
    "StyleModelApply": (StyleModelApply, "Apply Style Model"),
}

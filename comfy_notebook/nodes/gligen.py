"""GLIGEN: what shall be in which box of the picture."""

from __future__ import annotations

from typing import Any

from . import inputs, model_files
from .conditioning_values import Conditioning


class GLIGENLoader:
    RETURN_TYPES = ("GLIGEN",)
    FUNCTION = "load_gligen"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["boxes", "layout"]
    DESCRIPTION = "Layers for Stable Diffusion 1 that let it put things into boxes."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"gligen_name": model_files.chooser("gligen", "A file of models/gligen.")}}

    def load_gligen(self, gligen_name: str) -> tuple[Any]:
        from ..diffusion.gligen import load_gligen

        return (load_gligen(model_files.path("gligen", gligen_name)),)

    @classmethod
    def IS_CHANGED(cls, gligen_name: str) -> str:
        return model_files.stamp("gligen", gligen_name)


class GLIGENTextBoxApply:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "conditioning/gligen"
    SEARCH_ALIASES = ["bounding box", "regional prompt"]
    DESCRIPTION = "Puts what a text says into a box of the picture. Several boxes follow one another."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning_to": inputs.socket("CONDITIONING"),
                "clip": inputs.socket("CLIP"),
                "gligen_textbox_model": inputs.socket("GLIGEN"),
                "text": ("STRING", {"multiline": True, "dynamicPrompts": True, "tooltip": "What is in the box."}),
                "width": inputs.pixels(64, 8, 8, "Pixels."),
                "height": inputs.pixels(64, 8, 8, "Pixels."),
                "x": inputs.pixels(0, 0, 8, "Pixels from the left."),
                "y": inputs.pixels(0, 0, 8, "Pixels from above."),
            }
        }

    def append(
        self,
        conditioning_to: Conditioning,
        clip: Any,
        gligen_textbox_model: Any,
        text: str,
        width: int,
        height: int,
        x: int,
        y: int,
    ) -> tuple[Conditioning]:
        _, pooled = clip.encode_from_tokens(clip.tokenize(text), return_pooled="unprojected")
        wanted = gligen_textbox_model.model.text_width
        if pooled is None or pooled.shape[-1] != wanted:
            has = "no such" if pooled is None else f"{pooled.shape[-1]}"
            raise ValueError(
                f"this GLIGEN model reads texts as {wanted} numbers and this CLIP makes {has}: it was made for "
                "Stable Diffusion 1"
            )
        box = (pooled, height // 8, width // 8, y // 8, x // 8)
        made = []
        for tensor, known, *rest in conditioning_to:
            before = known["gligen"][2] if "gligen" in known else []
            made.append([tensor, {**known, "gligen": ("position", gligen_textbox_model, [*before, box])}, *rest])
        return (made,)


NODES: dict[str, tuple[type, str | None]] = {
    "GLIGENLoader": (GLIGENLoader, "GLIGENLoader"),
    "GLIGENTextBoxApply": (GLIGENTextBoxApply, "GLIGENTextBoxApply"),
}

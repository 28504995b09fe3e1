"""Variations of pictures: models that were trained on what an image encoder saw."""

from __future__ import annotations

from typing import Any

from . import inputs, model_files
from .conditioning_values import Conditioning, with_values


class UnCLIPCheckpointLoader:
    RETURN_TYPES = ("MODEL", "CLIP", "VAE", "CLIP_VISION")
    FUNCTION = "load_checkpoint"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["image variations"]
    DESCRIPTION = "An unCLIP checkpoint: the parts of a checkpoint, and the image encoder that it was trained with."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ckpt_name": model_files.chooser("checkpoints", "A file of models/checkpoints.")}}

    def load_checkpoint(self, ckpt_name: str) -> tuple[Any, Any, Any, Any]:
        from ..diffusion.unclip import load_unclip_checkpoint

        found, vision = load_unclip_checkpoint(model_files.path("checkpoints", ckpt_name))
        return found.model, found.clip, found.vae, vision

    @classmethod
    def IS_CHANGED(cls, ckpt_name: str) -> str:
        return model_files.stamp("checkpoints", ckpt_name)


class UnCLIPConditioning:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "apply_adm"
    CATEGORY = "conditioning"
    SEARCH_ALIASES = ["image variations"]
    DESCRIPTION = "Lets an unCLIP model paint something like a picture; several are mixed."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING"),
                "clip_vision_output": inputs.socket("CLIP_VISION_OUTPUT"),
                "strength": inputs.number(1.0, -10.0, 10.0, 0.01, "How much this picture counts."),
                "noise_augmentation": inputs.number(0.0, 0.0, 1.0, 0.01, "More noise leaves the model more freedom."),
            }
        }

    def apply_adm(
        self, conditioning: Conditioning, clip_vision_output: Any, strength: float, noise_augmentation: float
    ) -> tuple[Conditioning]:
        if strength == 0:
            return (conditioning,)
        picture = {
            "clip_vision_output": clip_vision_output,
            "strength": strength,
            "noise_augmentation": noise_augmentation,
        }
        return (with_values(conditioning, {"unclip_conditioning": [picture]}, append=True),)


NODES: dict[str, tuple[type, str | None]] = {
    "unCLIPCheckpointLoader": (UnCLIPCheckpointLoader, "unCLIPCheckpointLoader"),
    "unCLIPConditioning": (UnCLIPConditioning, "unCLIPConditioning"),
}

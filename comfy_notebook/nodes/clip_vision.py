"""Pictures as prompts: image encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs, model_files

if TYPE_CHECKING:
    from torch import Tensor


class CLIPVisionLoader:
    RETURN_TYPES = ("CLIP_VISION",)
    FUNCTION = "load_clip"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["image encoder", "open clip vision"]
    DESCRIPTION = "An image encoder: what it sees in a picture can guide models made for it."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"clip_name": model_files.chooser("clip_vision", "A file of models/clip_vision.")}}

    def load_clip(self, clip_name: str) -> tuple[Any]:
        from ..diffusion.clip_vision import load_clip_vision

        return (load_clip_vision(model_files.path("clip_vision", clip_name)),)

    @classmethod
    def IS_CHANGED(cls, clip_name: str) -> str:
        return model_files.stamp("clip_vision", clip_name)


class CLIPVisionEncode:
    RETURN_TYPES = ("CLIP_VISION_OUTPUT",)
    FUNCTION = "encode"
    CATEGORY = "conditioning"
    SEARCH_ALIASES = ["image encoder", "image prompt"]
    DESCRIPTION = "What an image encoder sees in a picture."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip_vision": inputs.socket("CLIP_VISION"),
                "image": inputs.image(),
                "crop": inputs.options(
                    ["center", "none"], "Cut a square from the middle, or squeeze the whole into one."
                ),
            }
        }

    def encode(self, clip_vision: Any, image: Tensor, crop: str) -> tuple[Any]:
        return (clip_vision.encode_image(image, crop=crop == "center"),)


NODES: dict[str, tuple[type, str | None]] = {
    "CLIPVisionLoader": (CLIPVisionLoader, "Load CLIP Vision"),
    "CLIPVisionEncode": (CLIPVisionEncode, "CLIP Vision Encode"),
}

"""Pictures for models that edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs
from .vae import checked_vae

if TYPE_CHECKING:
    from torch import Tensor

#: (width, height) that Flux Kontext was trained at.
KONTEXT_SIZES = (
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
    *((1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688)),
    (1568, 672),
)


class FluxKontextImageScale:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "scale"
    CATEGORY = "advanced/conditioning/flux"
    SEARCH_ALIASES = ["kontext size", "resize for edit"]
    DESCRIPTION = "The image at the nearest of the sizes that Flux Kontext was trained at."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image()}}

    def scale(self, image: Tensor) -> tuple[Tensor]:
        from .ops.resize import resize

        ratio = image.shape[2] / image.shape[1]
        width, height = min(KONTEXT_SIZES, key=lambda size: (abs(ratio - size[0] / size[1]), *size))
        return (resize(image.movedim(-1, 1), width, height, "lanczos", "center").movedim(1, -1),)


class InstructPixToPixConditioning:
    RETURN_TYPES = ("CONDITIONING", "CONDITIONING", "LATENT")
    RETURN_NAMES = ("positive", "negative", "latent")
    FUNCTION = "encode"
    CATEGORY = "conditioning/instructpix2pix"
    SEARCH_ALIASES = ["edit image", "instruction", "ip2p"]
    DESCRIPTION = "The picture that an InstructPix2Pix model edits, and an empty latent of its size."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "positive": inputs.socket("CONDITIONING"),
                "negative": inputs.socket("CONDITIONING"),
                "vae": inputs.socket("VAE"),
                "pixels": inputs.image(),
            }
        }

    def encode(self, positive: Any, negative: Any, pixels: Tensor, vae: Any) -> tuple[Any, Any, dict[str, Any]]:
        import torch

        latent = checked_vae(vae).encode(pixels)

        def seeing(conditioning: Any) -> Any:
            return [[text, {**options, "concat_latent_image": latent}] for text, options in conditioning]

        return seeing(positive), seeing(negative), {"samples": torch.zeros_like(latent)}


NODES: dict[str, tuple[type, str | None]] = {
    "FluxKontextImageScale": (FluxKontextImageScale, None),
    "InstructPixToPixConditioning": (InstructPixToPixConditioning, None),
}

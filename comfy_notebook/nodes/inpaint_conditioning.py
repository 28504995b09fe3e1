"""Conditioning for models that were trained to fill holes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs
from .conditioning_values import Conditioning, with_values

if TYPE_CHECKING:
    from torch import Tensor


class InpaintModelConditioning:
    RETURN_TYPES = ("CONDITIONING", "CONDITIONING", "LATENT")
    RETURN_NAMES = ("positive", "negative", "latent")
    FUNCTION = "encode"
    CATEGORY = "conditioning/inpaint"
    DESCRIPTION = "Shows an inpainting model the picture with a hole in it, and the hole."
    SEARCH_ALIASES = ["fill", "inpaint", "outpaint", "masked", "flux fill"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "positive": inputs.socket("CONDITIONING", "What should be there."),
                "negative": inputs.socket("CONDITIONING", "What should not."),
                "vae": inputs.socket("VAE", "Encodes the picture."),
                "pixels": inputs.image("The picture."),
                "mask": inputs.mask("White where it is filled."),
                "noise_mask": inputs.boolean(True, "Keep what lies outside the mask exactly."),
            }
        }

    def encode(
        self,
        positive: Conditioning,
        negative: Conditioning,
        vae: Any,
        pixels: Tensor,
        mask: Tensor,
        noise_mask: bool = True,
    ) -> tuple[Conditioning, Conditioning, dict[str, Any]]:
        from ..diffusion import inpaint

        scaled = inpaint.mask_at_size(mask, pixels.shape[1], pixels.shape[2])
        holed, fitted = inpaint.hole(pixels, scaled)
        values = {"concat_latent_image": vae.encode(holed), "concat_mask": fitted}
        latent = {"samples": vae.encode(pixels), **({"noise_mask": fitted} if noise_mask else {})}
        return with_values(positive, values), with_values(negative, values), latent


NODES: dict[str, tuple[type, str]] = {
    "InpaintModelConditioning": (InpaintModelConditioning, "InpaintModelConditioning"),
}

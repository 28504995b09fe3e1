"""Latents laid over one another and mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

Latent = dict[str, Any]


class LatentComposite:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "composite"
    CATEGORY = "latent"
    DESCRIPTION = "Lays one latent over another, with soft edges where asked for."
    SEARCH_ALIASES = ["paste", "overlay", "combine", "layer", "merge"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples_to": inputs.socket("LATENT", "The latent below."),
                "samples_from": inputs.socket("LATENT", "The latent laid over it."),
                "x": inputs.pixels(0, 0, 8, "Where it lies, in pixels of the picture."),
                "y": inputs.pixels(0, 0, 8, "Where it lies, in pixels of the picture."),
                "feather": inputs.pixels(0, 0, 8, "Over how many pixels its edges grow in."),
            }
        }

    def composite(
        self,
        samples_to: Latent,
        samples_from: Latent,
        x: int,
        y: int,
        composite_method: str = "normal",
        feather: int = 0,
    ) -> tuple[Latent]:
        from .ops.latents import composite_feathered

        below, above = samples_to["samples"], samples_from["samples"]
        return ({**samples_to, "samples": composite_feathered(below, above, x // 8, y // 8, feather // 8)},)


class LatentCompositeMasked:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "composite"
    CATEGORY = "latent"
    DESCRIPTION = "Lays one latent over another through a mask."
    SEARCH_ALIASES = ["paste", "overlay", "combine", "mask", "layer"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "destination": inputs.socket("LATENT", "The latent below."),
                "source": inputs.socket("LATENT", "The latent laid over it."),
                "x": inputs.pixels(0, 0, 8, "Where it lies, in pixels of the picture."),
                "y": inputs.pixels(0, 0, 8, "Where it lies, in pixels of the picture."),
                "resize_source": inputs.boolean(False, "Scale the upper one to the size of the lower one."),
            },
            "optional": {"mask": inputs.mask("White shows the upper latent.")},
        }

    def composite(
        self, destination: Latent, source: Latent, x: int, y: int, resize_source: bool, mask: Tensor | None = None
    ) -> tuple[Latent]:
        from .ops.composite import composite

        below, above = destination["samples"], source["samples"]
        return ({**destination, "samples": composite(below, above, x // 8, y // 8, mask, resize_source)},)


class LatentBlend:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "blend"
    CATEGORY = "_for_testing"
    DESCRIPTION = "Mixes two latents."
    SEARCH_ALIASES = ["mix", "combine", "average", "merge"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples1": inputs.socket("LATENT", "One latent."),
                "samples2": inputs.socket("LATENT", "The other; it is scaled to the size of the first."),
                "blend_factor": inputs.number(0.5, 0, 1, 0.01, "The share of the first one."),
            }
        }

    def blend(
        self, samples1: Latent, samples2: Latent, blend_factor: float, blend_mode: str = "normal"
    ) -> tuple[Latent]:
        from .ops.latents import to_size

        first = samples1["samples"]
        second = to_size(samples2["samples"], first, "bicubic")
        return ({**samples1, "samples": first * blend_factor + second * (1 - blend_factor)},)


NODES: dict[str, tuple[type, str]] = {
    "LatentComposite": (LatentComposite, "Latent Composite"),
    "LatentCompositeMasked": (LatentCompositeMasked, "LatentCompositeMasked"),
    "LatentBlend": (LatentBlend, "Latent Blend"),
}

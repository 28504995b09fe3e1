"""U-Nets that attend to less at once, or on smaller pictures, or with more weight on some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs, model_files

if TYPE_CHECKING:
    from torch import Tensor

_RESIZES = ("bicubic", "nearest-exact", "bilinear", "area", "bislerp")


class SelfAttentionGuidance:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["sag", "details", "blur"]
    DESCRIPTION = "Leads away from the blurred picture where the network looks most (Hong et al. 2023)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "scale": inputs.number(0.5, -2.0, 5.0, 0.01, "How far away; costs one more call a step."),
                "blur_sigma": inputs.number(2.0, 0.0, 10.0, 0.1, "Width of the blur, in pixels of the latent."),
            }
        }

    def patch(self, model: Any, scale: float, blur_sigma: float) -> tuple[Any]:
        from ..diffusion.self_attention_guidance import self_attention_guidance

        return (self_attention_guidance(model, scale, blur_sigma),)


class HyperTile:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["tiled attention", "faster", "large pictures"]
    DESCRIPTION = "Lets self-attention look within tiles only, which is faster for large pictures (Fernandes 2023)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "tile_size": inputs.integer(256, 1, 2048, tooltip="Side of a tile in pixels, about."),
                "swap_size": inputs.integer(2, 1, 128, tooltip="Between how many sizes is chosen, so that seams move."),
                "max_depth": inputs.integer(0, 0, 10, tooltip="Layers of how many halvings are tiled."),
                "scale_depth": inputs.boolean(False, "Larger tiles in deeper layers."),
            }
        }

    def patch(self, model: Any, tile_size: int, swap_size: int, max_depth: int, scale_depth: bool) -> tuple[Any]:
        from ..diffusion.fewer_tokens import tiled

        return (tiled(model, tile_size, swap_size, max_depth, scale_depth),)


class TomePatchModel:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["token merging", "faster", "tomesd"]
    DESCRIPTION = "Merges alike tokens before self-attention: faster, a little coarser (Bolya and Hoffman 2023)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        ratio = inputs.number(0.3, 0.0, 1.0, 0.01, "Which part of the tokens is merged.")
        return {"required": {"model": inputs.socket("MODEL"), "ratio": ratio}}

    def patch(self, model: Any, ratio: float) -> tuple[Any]:
        from ..diffusion.fewer_tokens import merged

        return (merged(model, ratio),)


class PatchModelAddDownscale:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "model_patches/unet"
    SEARCH_ALIASES = ["deep shrink", "kohya", "high resolution", "hires fix"]
    DESCRIPTION = "Composes large pictures on a smaller one at first, against doubled subjects (Kohya's Deep Shrink)."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "block_number": inputs.integer(3, 1, 32, 1, "From which input block on it is smaller."),
                "downscale_factor": inputs.number(2.0, 0.1, 9.0, 0.001, "How much smaller."),
                "start_percent": inputs.number(0.0, 0.0, 1.0, 0.001, "When it begins, from 0 to 1."),
                "end_percent": inputs.number(0.35, 0.0, 1.0, 0.001, "When it ends."),
                "downscale_after_skip": inputs.boolean(True, "Leave the skip connection of that block as it is."),
                "downscale_method": inputs.combo(_RESIZES, "How it is made smaller."),
                "upscale_method": inputs.combo(_RESIZES, "How it is made larger again."),
            }
        }

    def patch(
        self,
        model: Any,
        block_number: int,
        downscale_factor: float,
        start_percent: float,
        end_percent: float,
        downscale_after_skip: bool,
        downscale_method: str,
        upscale_method: str,
    ) -> tuple[Any]:
        from ..diffusion.fewer_tokens import shrunk

        made = shrunk(
            model, block_number, downscale_factor, start_percent, end_percent, downscale_after_skip,
            _resizer(downscale_method), _resizer(upscale_method),
        )  # fmt: skip
        return (made,)


def _resizer(method: str) -> Any:
    def to_size(x: Tensor, width: int, height: int) -> Tensor:
        from .ops.resize import resize

        return resize(x, width, height, method)

    return to_size


class HypernetworkLoader:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "load_hypernetwork"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["style", "hypernet"]
    DESCRIPTION = "Changes what attention sees by a hypernetwork, which is older than LoRA and smaller."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "hypernetwork_name": model_files.chooser("hypernetworks", "A file of models/hypernetworks."),
                "strength": inputs.number(1.0, -10.0, 10.0, 0.01, "How much of it."),
            }
        }

    def load_hypernetwork(self, model: Any, hypernetwork_name: str, strength: float) -> tuple[Any]:
        from ..diffusion.hypernetworks import apply

        return (apply(model, model_files.path("hypernetworks", hypernetwork_name), strength),)

    @classmethod
    def IS_CHANGED(cls, hypernetwork_name: str, **_others: Any) -> str:
        return model_files.stamp("hypernetworks", hypernetwork_name)


def _factor(tooltip: str) -> inputs.Spec:
    return inputs.number(1.0, 0.0, 10.0, 0.01, tooltip)


def _factors() -> dict[str, inputs.Spec]:
    names = {"q": "queries", "k": "keys", "v": "values", "out": "output"}
    return {name: _factor(f"Factor of the weights of the {meaning}.") for name, meaning in names.items()}


def multiplied(model: Any, factors: dict[str, float]) -> Any:
    """A clone of a MODEL or CLIP whose weights with these ends of their names are multiplied."""
    made = model.clone()
    patcher = getattr(made, "patcher", made)
    for name in patcher.weights:
        for end, factor in factors.items():
            if name.endswith(end):
                patcher.add_patches({name: ("diff", (None,))}, 0.0, factor)
    return made


class UNetSelfAttentionMultiply:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing/attention_experiments"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["attention strength", "q", "k", "v"]
    DESCRIPTION = "Multiplies weights of self-attention."
    _KIND = "attn1"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": inputs.socket("MODEL"), **_factors()}}

    def patch(self, model: Any, q: float, k: float, v: float, out: float) -> tuple[Any]:
        ends = {"to_q.weight": q, "to_k.weight": k, "to_v.weight": v, "to_out.0.weight": out, "to_out.0.bias": out}
        return (multiplied(model, {f"{self._KIND}.{end}": factor for end, factor in ends.items()}),)


class UNetCrossAttentionMultiply(UNetSelfAttentionMultiply):
    SEARCH_ALIASES = ["attention strength", "prompt", "q", "k", "v"]
    DESCRIPTION = "Multiplies weights of attention to the text."
    _KIND = "attn2"


class CLIPAttentionMultiply:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "patch"
    CATEGORY = "_for_testing/attention_experiments"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["attention strength", "text encoder"]
    DESCRIPTION = "Multiplies weights of a CLIP text encoder's attention."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"clip": inputs.socket("CLIP"), **_factors()}}

    def patch(self, clip: Any, q: float, k: float, v: float, out: float) -> tuple[Any]:
        parts = {"q_proj": q, "k_proj": k, "v_proj": v, "out_proj": out}
        ends = {f"self_attn.{part}.{kind}": factor for part, factor in parts.items() for kind in ("weight", "bias")}
        return (multiplied(clip, ends),)


NODES: dict[str, tuple[type, str | None]] = {
    "SelfAttentionGuidance": (SelfAttentionGuidance, "Self-Attention Guidance"),
    "HyperTile": (HyperTile, None),
    "TomePatchModel": (TomePatchModel, None),
    "HypernetworkLoader": (HypernetworkLoader, "HypernetworkLoader"),
    "PatchModelAddDownscale": (PatchModelAddDownscale, "PatchModelAddDownscale (Kohya Deep Shrink)"),
    "UNetSelfAttentionMultiply": (UNetSelfAttentionMultiply, None),
    "UNetCrossAttentionMultiply": (UNetCrossAttentionMultiply, None),
    "CLIPAttentionMultiply": (CLIPAttentionMultiply, None),
}

"""Networks from files that are hung on a model's blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs, model_files
from .vae import checked_vae

if TYPE_CHECKING:
    from torch import Tensor


class ModelPatchLoader:
    RETURN_TYPES = ("MODEL_PATCH",)
    FUNCTION = "load_model_patch"
    CATEGORY = "advanced/loaders"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["diffsynth", "controlnet patch", "qwen controlnet"]
    DESCRIPTION = "A network that works inside a model's blocks, such as DiffSynth's control of Qwen-Image."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": model_files.chooser("model_patches", "A file of models/model_patches.")}}

    def load_model_patch(self, name: str) -> tuple[Any]:
        from ..diffusion.control.patch_files import load_model_patch

        return (load_model_patch(model_files.path("model_patches", name)),)

    @classmethod
    def IS_CHANGED(cls, name: str) -> str:
        return model_files.stamp("model_patches", name)


class QwenImageDiffsynthControlnet:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "diffsynth_controlnet"
    CATEGORY = "advanced/loaders/qwen"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["qwen controlnet", "canny", "depth", "inpaint", "control"]
    DESCRIPTION = (
        "Lets an image (edges, depth, a pose …) steer Qwen-Image block by block, or Z-Image, by a network from Load "
        "Model Patch that was made for it."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "Qwen-Image or Z-Image."),
                "model_patch": inputs.socket("MODEL_PATCH", "The control network."),
                "vae": inputs.socket("VAE", "The model's."),
                "image": inputs.image("What steers."),
                "strength": inputs.number(1.0, -10.0, 10.0, 0.01, "How strongly it steers."),
            },
            "optional": {"mask": inputs.mask("For inpaint networks of Qwen-Image: what is painted anew.")},
        }

    def diffsynth_controlnet(
        self, model: Any, model_patch: Any, vae: Any, image: Tensor, strength: float, mask: Tensor | None = None
    ) -> tuple[Any]:
        from ..diffusion.control.blockwise import BlockwiseControl, BlockwisePatch
        from ..diffusion.control.style_reference import StyleProjection
        from ..diffusion.control.z_image import ZImagePatch

        blockwise = isinstance(model_patch.model, BlockwiseControl)
        if isinstance(model_patch.model, StyleProjection):
            raise ValueError("this model patch is USO's, for styles: it belongs to USOStyleReference")
        _check(model, "Qwen-Image" if blockwise else "Z-Image")
        if mask is not None and not blockwise:
            raise ValueError("Z-Image's control networks take no mask here: unlink it")
        changed = model.clone()
        kind = BlockwisePatch if blockwise else ZImagePatch
        latent_format = model.get_model_object("latent_format")
        patch = kind(model_patch, checked_vae(vae), latent_format, image, strength, mask)
        changed.set_model_patch(patch, "double_block" if blockwise else "z_image_control")
        _go_together(changed, model_patch)
        return (changed,)


class USOStyleReference:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "apply_patch"
    CATEGORY = "advanced/model_patches/flux"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["uso", "style transfer", "style image"]
    DESCRIPTION = "Shows Flux a picture whose style it shall take, through USO's projector."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "Flux, with USO's LoRA."),
                "model_patch": inputs.socket("MODEL_PATCH", "USO's projector."),
                "clip_vision_output": inputs.socket("CLIP_VISION_OUTPUT", "What SigLIP saw in the picture."),
            }
        }

    def apply_patch(self, model: Any, model_patch: Any, clip_vision_output: Any) -> tuple[Any]:
        from ..diffusion.control.style_reference import StylePatch, StyleProjection

        if not isinstance(model_patch.model, StyleProjection):
            raise ValueError("this model patch is no projector of USO's")
        _check(model, "Flux.1")
        changed = model.clone()
        changed.set_model_post_input_patch(StylePatch(model_patch, clip_vision_output))
        _go_together(changed, model_patch)
        return (changed,)


def _check(model: Any, wanted: str) -> None:
    family = getattr(model.model, "family", None)
    if family is not None and family.title != wanted:
        raise ValueError(f"this model patch was made for {wanted} and can't steer {family.title}")


def _go_together(model: Any, patch: Any) -> None:
    """Let ``patch`` be loaded with ``model``."""
    model.set_additional_models("model_patch", [*model.get_additional_models_with_key("model_patch"), patch])


NODES: dict[str, tuple[type, str | None]] = {
    "ModelPatchLoader": (ModelPatchLoader, "ModelPatchLoader"),
    "USOStyleReference": (USOStyleReference, "USOStyleReference"),
    "QwenImageDiffsynthControlnet": (QwenImageDiffsynthControlnet, "QwenImageDiffsynthControlnet"),
}

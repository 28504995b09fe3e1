"""Models with their changes written to files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import folders
from . import inputs


def _written(weights: dict[str, Any], prefix: str, prompt: Any, extra_pnginfo: Any) -> Path:
    from ..diffusion.checkpoints.files import write_weights

    target = folders.save_path(folders.current().output, prefix)
    metadata = {"format": "pt"}
    if prompt is not None:
        metadata["prompt"] = json.dumps(prompt)
    metadata |= {name: json.dumps(value) for name, value in (extra_pnginfo or {}).items()}
    path = target.path(0, ".safetensors")
    write_weights(weights, path, metadata)
    return path


def _model_weights(model: Any) -> dict[str, Any]:
    named = model.patched_state_dict("diffusion_model.")
    return {f"model.{name}": value for name, value in named.items()}


class CheckpointSave:
    RETURN_TYPES = ()
    FUNCTION = "save"
    CATEGORY = "advanced/model_merging"
    OUTPUT_NODE = True
    SEARCH_ALIASES = ["export checkpoint", "write model"]
    DESCRIPTION = "Writes a model, its text encoder and autoencoder into one file, with LoRAs and mixtures applied."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "clip": inputs.socket("CLIP"),
                "vae": inputs.socket("VAE"),
                "filename_prefix": inputs.text("checkpoints/ComfyUI"),
            },
            "hidden": inputs.SAVE_HIDDEN,
        }

    def save(
        self, model: Any, clip: Any, vae: Any, filename_prefix: str, prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        from ..diffusion.text.files import checkpoint_names

        weights = _model_weights(model)
        weights |= checkpoint_names(clip.get_sd(), clip.cond_stage_model.names)
        weights |= {f"first_stage_model.{name}": value for name, value in vae.get_sd().items()}
        _written(weights, filename_prefix, prompt, extra_pnginfo)
        return {}


class ModelSave:
    RETURN_TYPES = ()
    FUNCTION = "save"
    CATEGORY = "advanced/model_merging"
    OUTPUT_NODE = True
    SEARCH_ALIASES = ["export model", "write unet"]
    DESCRIPTION = "Writes a diffusion model with its changes into a file."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "filename_prefix": inputs.text("diffusion_models/ComfyUI"),
            },
            "hidden": inputs.SAVE_HIDDEN,
        }

    def save(self, model: Any, filename_prefix: str, prompt: Any = None, extra_pnginfo: Any = None) -> dict[str, Any]:
        _written(_model_weights(model), filename_prefix, prompt, extra_pnginfo)
        return {}


class CLIPSave:
    RETURN_TYPES = ()
    FUNCTION = "save"
    CATEGORY = "advanced/model_merging"
    OUTPUT_NODE = True
    SEARCH_ALIASES = ["export text encoder", "write clip"]
    DESCRIPTION = "Writes text encoders with their changes, each into a file of its own."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"clip": inputs.socket("CLIP"), "filename_prefix": inputs.text("clip/ComfyUI")},
            "hidden": inputs.SAVE_HIDDEN,
        }

    def save(self, clip: Any, filename_prefix: str, prompt: Any = None, extra_pnginfo: Any = None) -> dict[str, Any]:
        from ..diffusion.text.stack import child_name

        weights = clip.get_sd()
        names = clip.cond_stage_model.names
        for name in names:
            start = f"{child_name(name)}.transformer."
            part = {key[len(start) :]: value for key, value in weights.items() if key.startswith(start)}
            prefix = filename_prefix if len(names) == 1 else f"{filename_prefix}_{child_name(name)}"
            _written(part, prefix, prompt, extra_pnginfo)
        return {}


class VAESave:
    RETURN_TYPES = ()
    FUNCTION = "save"
    CATEGORY = "advanced/model_merging"
    OUTPUT_NODE = True
    SEARCH_ALIASES = ["export vae", "write autoencoder"]
    DESCRIPTION = "Writes an autoencoder into a file."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"vae": inputs.socket("VAE"), "filename_prefix": inputs.text("vae/ComfyUI_vae")},
            "hidden": inputs.SAVE_HIDDEN,
        }

    def save(self, vae: Any, filename_prefix: str, prompt: Any = None, extra_pnginfo: Any = None) -> dict[str, Any]:
        _written(vae.get_sd(), filename_prefix, prompt, extra_pnginfo)
        return {}


NODES: dict[str, tuple[type, str | None]] = {
    "CheckpointSave": (CheckpointSave, "Save Checkpoint"),
    "ModelSave": (ModelSave, "ModelSave"),
    "CLIPSave": (CLIPSave, "CLIPSave"),
    "VAESave": (VAESave, "VAESave"),
}

"""Built-in nodes, one module for each family."""

from __future__ import annotations

from importlib import import_module

from ..protocol.registry import Registry
from ..protocol.v1 import definition_from_class

#: The modules of this package that declare nodes, in the order in which they are registered.
FAMILIES = (
    "image_load",
    "image_save",
    "image_formats",
    "image_animation",
    "image_scale",
    "image_resize",
    "image_transform",
    "image_batch",
    "image_adjust",
    "image_composite",
    "audio",
    "audio_files",
    "video",
    "mask",
    "primitive",
    "text",
    "regex",
    "math",
    "logic",
    "loaders",
    "loaders_lora",
    "upscale_model",
    "controlnet",
    "clip_vision",
    "style",
    "unclip",
    "gligen",
    "model_edit",
    "model_merge",
    "model_merge_families",
    "model_save",
    "model_patches",
    "model_patch_files",
    "unet_patches",
    "skip_layers",
    "step_reuse",
    "text_encode",
    "vae",
    "latent",
    "latent_composite",
    "latent_batch",
    "latent_math",
    "latent_files",
    "sampling",
    "sampling_custom",
    "guiders",
    "sampler_select",
    "schedulers",
    "schedulers_for_models",
    "sigmas",
    "conditioning_area",
    "conditioning_math",
    "conditioning_hooks",
    "hooks",
    "hook_keyframes",
    "inpaint_conditioning",
    "lotus",
    "model_sampling",
    "guidance",
    "guidance_rules",
)


def register_all(registry: Registry) -> None:
    """Register every built-in node. Reads declarations only: torch is imported when a node runs."""
    for family in FAMILIES:
        for name, (cls, display_name) in import_module(f".{family}", __name__).NODES.items():
            registry.register(definition_from_class(name, cls, display_name, "nodes"))

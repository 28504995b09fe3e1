"""Modules of the reference whose place one of our own takes: the very same module, loaded when it is first imported.

What a pack puts into such a module is what our own code then calls. They load torch; :mod:`.install` therefore leaves
them to :mod:`.finder`.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_DIFFUSION = "comfy_notebook.diffusion"
_MODELS = "comfy_notebook.compat.models"

ALIASES: dict[str, str] = {
    "comfy.cldm.control_types": f"{_MODELS}.control_types",
    "comfy.clip_vision": f"{_MODELS}.clip_vision",
    "comfy.conds": f"{_DIFFUSION}.conds",
    "comfy.controlnet": f"{_MODELS}.controlnet",
    "comfy.extra_samplers.uni_pc": f"{_DIFFUSION}.sampling.uni_pc",
    "comfy.hooks": f"{_DIFFUSION}.hooks",
    "comfy.k_diffusion.sampling": f"{_DIFFUSION}.sampling.k_diffusion",
    "comfy.ldm.modules.attention": f"{_DIFFUSION}.attention",
    "comfy.latent_formats": f"{_MODELS}.latent_formats",
    "comfy.lora": f"{_MODELS}.lora",
    "comfy.model_patcher": f"{_MODELS}.model_patcher",
    "comfy.model_sampling": f"{_DIFFUSION}.sampling.model_sampling",
    "comfy.patcher_extension": f"{_DIFFUSION}.sampling.wrappers",
    "comfy.sample": f"{_DIFFUSION}.sampling.sample",
    "comfy.sampler_helpers": f"{_DIFFUSION}.sampling.sampler_helpers",
    "comfy.samplers": f"{_DIFFUSION}.sampling.samplers",
    "comfy.sd": f"{_MODELS}.sd",
    "comfy.sd1_clip": f"{_MODELS}.sd1_clip",
}


def load(name: str) -> ModuleType:
    """Our module for ``name``, which is one of :data:`ALIASES`."""
    return importlib.import_module(ALIASES[name])

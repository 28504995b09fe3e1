"""``comfy.model_patcher``: models with changes on them, and changes of options alone."""

from __future__ import annotations

from typing import Any

from ...diffusion.patch_options import OptionSetters, copy_options
from ...diffusion.patcher import ModelPatcher

__all__ = ["ModelPatcher"]


class _Options(OptionSetters):
    def __init__(self, model_options: dict[str, Any]) -> None:
        self.model_options = model_options


def create_model_options_clone(orig_model_options: dict[str, Any]) -> Any:
    return copy_options(orig_model_options)


def set_model_options_patch_replace(
    model_options: dict[str, Any],
    patch: Any,
    name: str,
    block_name: str,
    number: int,
    transformer_index: int | None = None,
) -> dict[str, Any]:
    """Options with ``patch`` in the place of ``name`` (``attn1`` …) in a block."""
    made = _Options(copy_options(model_options))
    made.set_model_patch_replace(patch, name, block_name, number, transformer_index)
    return made.model_options


def set_model_options_post_cfg_function(
    model_options: dict[str, Any], post_cfg_function: Any, disable_cfg1_optimization: bool = False
) -> dict[str, Any]:
    made = _Options(model_options)
    made.set_model_sampler_post_cfg_function(post_cfg_function, disable_cfg1_optimization)
    return made.model_options


def set_model_options_pre_cfg_function(
    model_options: dict[str, Any], pre_cfg_function: Any, disable_cfg1_optimization: bool = False
) -> dict[str, Any]:
    made = _Options(model_options)
    made.set_model_sampler_pre_cfg_function(pre_cfg_function, disable_cfg1_optimization)
    return made.model_options

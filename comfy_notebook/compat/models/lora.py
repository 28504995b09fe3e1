"""``comfy.lora``: which weights LoRA files mean, and what they make of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...diffusion.lora.apply import calculate_weight
from ...diffusion.lora.files import load_lora
from ...diffusion.lora.names import model_names, text_names

__all__ = ["calculate_weight", "load_lora"]


def model_lora_keys_unet(model: Any, key_map: dict[str, Any] | None = None) -> dict[str, Any]:
    """``key_map`` with the names of layers of a diffusion model."""
    found = {} if key_map is None else key_map
    found.update(model_names(model))
    return found


def model_lora_keys_clip(model: Any, key_map: dict[str, Any] | None = None) -> dict[str, Any]:
    """``key_map`` with the names of layers of text encoders."""
    found = {} if key_map is None else key_map
    found.update(text_names(model))
    return found


def convert_lora(lora: Mapping[str, Any]) -> Mapping[str, Any]:
    """Layouts are read as they are."""
    return lora

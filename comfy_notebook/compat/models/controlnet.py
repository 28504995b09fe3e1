"""``comfy.controlnet``: networks that steer another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...diffusion.control.adapter import T2IAdapter
from ...diffusion.control.controlnet import ControlNet
from ...diffusion.control.controlnet import Steering as ControlBase
from ...diffusion.control.files import load_controlnet as _load
from ...diffusion.control.hints import for_batch as broadcast_image_to
from ...diffusion.control.lora import ControlLora

__all__ = ["ControlBase", "ControlLora", "ControlNet", "T2IAdapter", "broadcast_image_to"]


def load_controlnet(ckpt_path: str, model: Any = None, model_options: Any = None) -> ControlBase:
    """The control network of a file."""
    return _load(Path(ckpt_path), model)

"""``comfy.controlnet``: networks that steer another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...diffusion.control.controlnet import ControlNet
from ...diffusion.control.controlnet import ControlNet as ControlBase
from ...diffusion.control.controlnet import for_batch as broadcast_image_to
from ...diffusion.control.files import load_controlnet as _load

__all__ = ["ControlBase", "ControlNet", "broadcast_image_to"]


def load_controlnet(ckpt_path: str, model: Any = None, model_options: Any = None) -> ControlNet:
    """The control network of a file."""
    return _load(Path(ckpt_path))

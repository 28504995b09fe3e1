"""``comfy.clip_vision``: image encoders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...diffusion.clip_vision import ClipVision as ClipVisionModel
from ...diffusion.clip_vision import ClipVisionOutput as Output
from ...diffusion.clip_vision import load_clip_vision, preprocessed

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ClipVisionModel", "Output", "clip_preprocess", "load"]

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


def load(ckpt_path: str, **_options: Any) -> ClipVisionModel:
    """The image encoder of a file."""
    return load_clip_vision(Path(ckpt_path))


def clip_preprocess(
    image: Tensor, size: int = 224, mean: Sequence[float] = _MEAN, std: Sequence[float] = _STD, crop: bool = True
) -> Tensor:
    """Images ``[B,H,W,C]`` in 0…1 as an encoder sees them, ``[B,3,size,size]``."""
    (red, green, blue), (one, two, three) = mean, std
    return preprocessed(image, size, crop, (red, green, blue), (one, two, three))

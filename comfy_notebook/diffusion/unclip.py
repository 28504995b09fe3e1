"""Checkpoints that hold the image encoder of the pictures they paint variations of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .checkpoints.files import WeightsError, read_weights
from .checkpoints.load import Checkpoint, load_checkpoint, without_prefix
from .clip_vision import ClipVision, clip_vision_from_weights
from .families.unclip import NoiseAugmentor, StableUnCLIP

if TYPE_CHECKING:
    from torch import Tensor

_ENCODER = "embedder.model."
_STATISTICS = "noise_augmentor.data_"


class UnclipCheckpoint(NamedTuple):
    """The parts of a checkpoint, and its image encoder."""

    checkpoint: Checkpoint
    clip_vision: ClipVision


def load_unclip_checkpoint(path: Path) -> UnclipCheckpoint:
    """All parts of an unCLIP checkpoint; raises :class:`WeightsError` for files without an image encoder."""
    weights, _ = read_weights(path)
    encoder = without_prefix(weights, _ENCODER)
    if not encoder:
        raise WeightsError(f"{path.name} holds no image encoder, so it is no unCLIP checkpoint: use Load Checkpoint")
    found = load_checkpoint(path)
    statistics: dict[str, Tensor] = without_prefix(weights, _STATISTICS)
    family = found.model.model.family if found.model is not None else None
    if isinstance(family, StableUnCLIP) and {"mean", "std"} <= statistics.keys():
        width = family.noise_augmentor.width
        family.noise_augmentor = NoiseAugmentor(width, statistics["mean"], statistics["std"])
    return UnclipCheckpoint(found, clip_vision_from_weights(encoder, path.name))

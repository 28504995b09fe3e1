"""Plain values: what annotations of nodes call them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import torch

    ImageInput = torch.Tensor
    MaskInput = torch.Tensor
else:
    #: ``float32 [B,H,W,C]`` in 0..1.
    ImageInput = Any
    #: ``float32 [B,H,W]`` in 0..1.
    MaskInput = Any


class AudioInput(TypedDict):
    """``waveform`` ``float32 [B,C,T]`` in -1..1."""

    waveform: Any
    sample_rate: int


class LatentInput(TypedDict, total=False):
    """``samples`` ``float32 [B,C,H/8,W/8]``, with what belongs to them."""

    samples: Any
    noise_mask: Any
    batch_index: list[int]
    type: str


class CurveInput(ABC):
    """A function over 0..1."""

    @property
    @abstractmethod
    def points(self) -> list[tuple[float, float]]:
        """The points it goes through."""

    @abstractmethod
    def interp(self, x: float) -> float:
        """Its value at ``x``."""

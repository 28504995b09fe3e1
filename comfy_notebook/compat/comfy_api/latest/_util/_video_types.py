"""The parts and the file kinds of videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any


class VideoCodec(str, Enum):
    AUTO = "auto"
    H264 = "h264"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices of a combo."""
        return [member.value for member in cls]


class VideoContainer(str, Enum):
    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices of a combo."""
        return [member.value for member in cls]

    @classmethod
    def get_extension(cls, value: VideoContainer | str) -> str:
        """The ending of file names, without a dot."""
        return "mp4" if cls(value) in (cls.AUTO, cls.MP4) else ""


@dataclass
class VideoComponents:
    """``images`` ``float32 [T,H,W,3]`` in 0..1, frames per second, and an AUDIO dict or None."""

    images: Any
    frame_rate: Fraction
    audio: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None

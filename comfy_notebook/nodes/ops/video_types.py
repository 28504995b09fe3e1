"""The parts and the file kinds of videos, and what every VIDEO value can do."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
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


class VideoInput(ABC):
    """A video, in a file or as frames."""

    @abstractmethod
    def get_components(self) -> VideoComponents:
        """All frames, the sound and the frame rate."""

    @abstractmethod
    def save_to(
        self,
        path: str | io.BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a file; ``metadata`` becomes its tags (values other than texts as JSON)."""

    def as_trimmed(
        self, start_time: float = 0.0, duration: float = 0.0, strict_duration: bool = True
    ) -> VideoInput | None:
        """What plays from ``start_time`` for ``duration`` seconds (0: to the end).

        A negative start counts from the end. None when nothing is left, or when with ``strict_duration`` less than
        ``duration`` is left.
        """
        raise NotImplementedError(f"{type(self).__name__} can't be cut")

    def get_stream_source(self) -> str | io.BytesIO:
        """A path or a stream that holds the video as a file."""
        buffer = io.BytesIO()
        self.save_to(buffer)
        buffer.seek(0)
        return buffer

    def get_dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        images = self.get_components().images
        return int(images.shape[2]), int(images.shape[1])

    def get_duration(self) -> float:
        """Seconds."""
        return float(self.get_frame_count() / self.get_frame_rate())

    def get_frame_count(self) -> int:
        return int(self.get_components().images.shape[0])

    def get_frame_rate(self) -> Fraction:
        return Fraction(self.get_components().frame_rate)

    def get_container_format(self) -> str:
        """The name of the file format, as ffmpeg calls it."""
        return "mp4"


def span(
    total: float, start_time: float, duration: float, strict: bool, slack: float
) -> tuple[float, float] | None:  # fmt: skip
    """Beginning and length in seconds of a cut of ``total`` seconds; None when it can't be had.

    ``slack`` is what may be missing at the end, half a frame: durations in files are rounded.
    """
    start = max(total + start_time, 0.0) if start_time < 0 else start_time
    left = total - start
    if left <= 0 or (strict and duration > left + slack):
        return None
    return start, min(duration, left) if duration > 0 else left

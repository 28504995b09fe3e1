"""What every VIDEO value can do."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .._util import VideoCodec, VideoComponents, VideoContainer


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

"""VIDEO values: videos in files and videos made of frames."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from ...protocol.context import context
from . import sounds
from .media import Source, opened
from .video_encode import MP4, encode, write_to, writer
from .video_types import VideoCodec, VideoComponents, VideoContainer, VideoInput, span

if TYPE_CHECKING:
    from torch import Tensor

#: Codecs that go into an MP4 as they are.
_FIT_MP4 = {"h264", "hevc", "av1", "vp9", "mpeg4", "aac", "mp3", "opus", "flac", "ac3", "eac3", "alac"}


class VideoFromFile(VideoInput):
    """A video in a file; decoded when its frames are asked for. ``duration`` 0 plays to the end."""

    def __init__(self, file: Source, *, start_time: float = 0.0, duration: float = 0.0) -> None:
        self._file = file
        self._start = start_time
        self._length = duration

    @property
    def _is_cut(self) -> bool:
        return self._start > 0 or self._length > 0

    @property
    def _end(self) -> float | None:
        return self._start + self._length if self._length > 0 else None

    def get_stream_source(self) -> Source:
        if self._is_cut:
            return super().get_stream_source()
        if isinstance(self._file, io.BytesIO):
            self._file.seek(0)
        return self._file

    def get_dimensions(self) -> tuple[int, int]:
        with opened(self._file) as container:
            stream = _video_stream(container)
            frame = next(container.decode(stream), None)
            size = (int(stream.width), int(stream.height))
            return size if frame is None or _quarter_turns(frame) % 2 == 0 else size[::-1]

    def get_frame_rate(self) -> Fraction:
        with opened(self._file) as container:
            return Fraction(_video_stream(container).average_rate or 1)

    def get_frame_count(self) -> int:
        with opened(self._file) as container:
            stream = _video_stream(container)
            if stream.frames and not self._is_cut:
                return int(stream.frames)
            times = [_time(packet, stream) for packet in container.demux(stream) if packet.pts is not None]
            return sum(self._plays(time, stream) for time in times)

    def get_duration(self) -> float:
        whole = self._whole_duration()
        return max(min(self._end or whole, whole) - self._start, 0.0)

    def _whole_duration(self) -> float:
        with opened(self._file) as container:
            stream = _video_stream(container)
            if stream.duration is not None:
                return float(stream.duration * stream.time_base)
            if container.duration is not None:
                return float(container.duration) / 1_000_000
            rate = stream.average_rate or 1
            return float(sum(packet.pts is not None for packet in container.demux(stream)) / rate)

    def get_container_format(self) -> str:
        with opened(self._file) as container:
            return str(container.format.name)

    def as_trimmed(
        self, start_time: float = 0.0, duration: float = 0.0, strict_duration: bool = True
    ) -> VideoInput | None:
        slack = 0.5 / float(self.get_frame_rate())
        cut = span(self.get_duration(), start_time, duration, strict_duration, slack)
        if cut is None:
            return None
        return VideoFromFile(self._file, start_time=self._start + cut[0], duration=cut[1])

    def get_components(self) -> VideoComponents:
        with opened(self._file) as container:
            stream = _video_stream(container)
            rate, carried = Fraction(stream.average_rate or 1), dict(container.metadata)
            images = _as_images(list(self._pictures(container, stream)))
        return VideoComponents(images, rate, sounds.read(self._file, self._start, self._end), carried)

    def _pictures(self, container: Any, stream: Any) -> Iterator[Any]:
        """``uint8 [H,W,3]`` arrays, upright, all as large as the first."""
        import numpy as np

        stream.thread_type = "AUTO"
        if self._start > 0:
            container.seek(int(self._start * 1_000_000) + int(_origin(stream) * 1_000_000))
        size: dict[str, int] | None = None
        for frame in container.decode(stream):
            context().check_interrupted()
            time = _time(frame, stream)
            if self._end is not None and time >= self._end + 1:  # a second more: frames may come out of order
                return
            if self._plays(time, stream):
                size = size or {"width": frame.width, "height": frame.height}
                yield np.rot90(frame.to_ndarray(format="rgb24", **size), k=_quarter_turns(frame))

    def _plays(self, time: float, stream: Any) -> bool:
        """Whether the frame at ``time`` belongs to the cut; times in files are rounded, so half a frame is let pass."""
        slack = 0.5 / float(stream.average_rate or 25)
        return time >= self._start - slack and (self._end is None or time < self._end - slack)

    def save_to(
        self,
        path: str | io.BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Copies the file when nothing about it changes, its packets when only tags or the container do.

        Encodes it again for another codec and where it was cut. Raises ``ValueError`` for a container or codec other
        than the two enumerations name.
        """
        wanted = VideoCodec(codec)
        same_format = VideoContainer(format) is VideoContainer.AUTO or "mp4" in self.get_container_format()
        if self._is_cut or not self._fits(wanted):
            VideoFromComponents(self.get_components()).save_to(path, format, codec, metadata)
        elif metadata or not same_format:
            write_to(path, partial(self._copy_packets, metadata=metadata))
        else:
            write_to(path, self._copy)

    def _fits(self, codec: VideoCodec) -> bool:
        """Whether the pictures are coded as wanted and everything goes into an MP4 as it is."""
        with opened(self._file) as container:
            pictures = _video_stream(container).codec_context.name
            names = {pictures, *(stream.codec_context.name for stream in container.streams.audio[:1])}
        names = {"av1" if name in ("libdav1d", "libaom-av1") else name.removesuffix("float") for name in names}
        return names <= _FIT_MP4 and (codec is VideoCodec.AUTO or pictures == codec.value)

    def _copy(self, target: Any) -> None:
        if isinstance(self._file, io.BytesIO):
            target.write(self._file.getvalue())
            return
        with open(self._file, "rb") as source:
            shutil.copyfileobj(source, target)

    def _copy_packets(self, target: Any, metadata: Mapping[str, Any] | None) -> None:
        with opened(self._file) as source:
            streams = [_video_stream(source), *source.streams.audio[:1]]
            with writer(target, "mp4", {**source.metadata, **(metadata or {})}) as container:
                copies = {stream.index: container.add_stream_from_template(stream) for stream in streams}
                for packet in source.demux(streams):
                    context().check_interrupted()
                    if packet.dts is not None:  # the empty packet at the end
                        packet.stream = copies[packet.stream.index]
                        container.mux(packet)


class VideoFromComponents(VideoInput):
    """A video made of frames and sound; H.264 in MP4 when it becomes a file."""

    def __init__(self, components: VideoComponents) -> None:
        self._components = components

    def get_components(self) -> VideoComponents:
        return self._components

    def as_trimmed(
        self, start_time: float = 0.0, duration: float = 0.0, strict_duration: bool = True
    ) -> VideoInput | None:
        parts = self._components
        rate = float(parts.frame_rate)
        cut = span(self.get_duration(), start_time, duration, strict_duration, 0.5 / rate)
        if cut is None:
            return None
        first, last = round(cut[0] * rate), max(round(sum(cut) * rate), round(cut[0] * rate) + 1)
        audio = None
        if parts.audio is not None:
            waveform, samples = sounds.parts(parts.audio)
            waveform = waveform[..., round(cut[0] * samples) : round(sum(cut) * samples)]
            audio = {"waveform": waveform, "sample_rate": samples}
        return VideoFromComponents(VideoComponents(parts.images[first:last], parts.frame_rate, audio, parts.metadata))

    def save_to(
        self,
        path: str | io.BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises ``ValueError`` for another container or codec; sides that are odd lose their last row or column."""
        VideoContainer(format), VideoCodec(codec)
        write_to(path, partial(encode, video=self._components, kind=MP4, metadata=metadata))


def _video_stream(container: Any) -> Any:
    if not container.streams.video:
        raise ValueError("this file holds no video")
    return container.streams.video[0]


def _origin(stream: Any) -> float:
    """When the first frame is shown, in the time of the file."""
    return float((stream.start_time or 0) * stream.time_base)


def _time(item: Any, stream: Any) -> float:
    """Seconds since the first frame."""
    return float((item.pts or 0) * item.time_base) - _origin(stream)


def _quarter_turns(frame: Any) -> int:
    """How often a frame is to be turned by 90° against the clock: telephones save what they film lying."""
    return int(round(frame.rotation / 90) % 4)


def _as_images(frames: list[Any]) -> Tensor:
    """``float32 [T,H,W,3]`` in 0..1."""
    import torch

    if not frames:
        return torch.zeros(0, 0, 0, 3)
    images = torch.empty(len(frames), *frames[0].shape)
    for image, frame in zip(images, frames, strict=True):
        image.copy_(torch.from_numpy(frame.copy()))
    return images.div_(255)

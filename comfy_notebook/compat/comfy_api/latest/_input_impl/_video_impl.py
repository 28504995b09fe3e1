"""VIDEO values, read and written by PyAV (``pip install av``)."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from .....nodes.whole_files import write
from .._audio_files import need_av
from .._input import VideoInput
from .._util import VideoCodec, VideoComponents, VideoContainer


class VideoFromFile(VideoInput):
    """A video in a file; decoded when its frames are asked for."""

    def __init__(self, file: str | io.BytesIO) -> None:
        self._file = file

    def get_stream_source(self) -> str | io.BytesIO:
        if isinstance(self._file, io.BytesIO):
            self._file.seek(0)
        return self._file

    def _open(self) -> Any:
        return need_av().open(self.get_stream_source(), mode="r")

    def get_dimensions(self) -> tuple[int, int]:
        with self._open() as container:
            stream = _video_stream(container)
            return int(stream.width), int(stream.height)

    def get_frame_rate(self) -> Fraction:
        with self._open() as container:
            return Fraction(_video_stream(container).average_rate or 1)

    def get_frame_count(self) -> int:
        with self._open() as container:
            stream = _video_stream(container)
            return int(stream.frames) or sum(1 for _ in container.decode(stream))

    def get_duration(self) -> float:
        with self._open() as container:
            stream = _video_stream(container)
            if stream.duration is not None:
                return float(stream.duration * stream.time_base)
            if container.duration is not None:
                return float(container.duration) / 1_000_000
        return super().get_duration()

    def get_container_format(self) -> str:
        with self._open() as container:
            return str(container.format.name)

    def get_components(self) -> VideoComponents:
        import numpy as np
        import torch

        with self._open() as container:
            stream = _video_stream(container)
            rate, carried = Fraction(stream.average_rate or 1), dict(container.metadata)
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        images = torch.from_numpy(np.stack(frames)).float() / 255 if frames else torch.zeros(0, 3, 0, 0)
        return VideoComponents(images, rate, self._sound(), carried)

    def _sound(self) -> dict[str, Any] | None:
        import numpy as np
        import torch

        with self._open() as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            resampler = need_av().AudioResampler(format="fltp")
            parts = [
                part.to_ndarray()
                for frame in container.decode(stream)
                for part in resampler.resample(frame)
            ]  # fmt: skip
            rate = int(stream.rate)
        if not parts:
            return None
        return {"waveform": torch.from_numpy(np.concatenate(parts, axis=1)).unsqueeze(0), "sample_rate": rate}

    def save_to(
        self,
        path: str | io.BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Copies the file when nothing about it changes, else encodes it again."""
        same_format = VideoContainer(format) is VideoContainer.AUTO or format.value in self.get_container_format()
        if metadata or not same_format or VideoCodec(codec) is not VideoCodec.AUTO:
            VideoFromComponents(self.get_components()).save_to(path, format, codec, metadata)
            return
        source = self.get_stream_source()

        def copy(target: Any) -> None:
            if isinstance(source, io.BytesIO):
                target.write(source.getvalue())
                return
            with open(source, "rb") as opened:
                shutil.copyfileobj(opened, target)

        _write(path, copy)


class VideoFromComponents(VideoInput):
    """A video made of frames and sound; H.264 in MP4 when it becomes a file."""

    def __init__(self, components: VideoComponents) -> None:
        self._components = components

    def get_components(self) -> VideoComponents:
        return self._components

    def save_to(
        self,
        path: str | io.BytesIO,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises ``ValueError`` for another container or codec; sides that are odd lose their last row or column."""
        VideoContainer(format), VideoCodec(codec)
        av = need_av()

        def encode(target: Any) -> None:
            options = {"movflags": "use_metadata_tags"}
            with av.open(target, mode="w", format="mp4", options=options) as container:
                for name, value in (metadata or {}).items():
                    container.metadata[name] = value if isinstance(value, str) else json.dumps(value)
                self._write_frames(av, container)

        _write(path, encode)

    def _write_frames(self, av: Any, container: Any) -> None:
        parts = self._components
        rate = Fraction(parts.frame_rate).limit_denominator(1001 * 60)
        pixels = (parts.images[..., :3].detach().cpu().clamp(0, 1) * 255).round().byte().numpy()
        height, width = pixels.shape[1] // 2 * 2, pixels.shape[2] // 2 * 2
        stream = container.add_stream("h264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        sound = self._add_sound(container, rate, len(pixels))
        for picture in pixels:
            frame = av.VideoFrame.from_ndarray(picture[:height, :width].copy(), format="rgb24")
            for packet in stream.encode(frame.reformat(format="yuv420p")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if sound is not None:
            audio, waveform, sample_rate = sound
            frame = av.AudioFrame.from_ndarray(waveform, format="fltp", layout=audio.layout.name)
            frame.sample_rate, frame.pts = sample_rate, 0
            for packet in [*audio.encode(frame), *audio.encode(None)]:
                container.mux(packet)

    def _add_sound(self, container: Any, rate: Fraction, frames: int) -> tuple[Any, Any, int] | None:
        """The stream of the sound, its samples ``[C,T]`` cut to the length of the pictures, and their rate."""
        sound = self._components.audio
        if sound is None:
            return None
        sample_rate = int(sound["sample_rate"])
        waveform = sound["waveform"][0].detach().cpu().float()[:, : int(frames / rate * sample_rate)]
        layout = {1: "mono", 2: "stereo", 6: "5.1"}.get(waveform.shape[0])
        if layout is None:
            raise ValueError(f"the sound of a video has 1, 2 or 6 channels, not {waveform.shape[0]}")
        return container.add_stream("aac", rate=sample_rate, layout=layout), waveform.contiguous().numpy(), sample_rate


def _write(path: str | io.BytesIO, save: Callable[[Any], None]) -> None:
    if isinstance(path, io.BytesIO):
        save(path)
    else:
        write(Path(path), save)


def _video_stream(container: Any) -> Any:
    if not container.streams.video:
        raise ValueError("this file holds no video")
    return container.streams.video[0]

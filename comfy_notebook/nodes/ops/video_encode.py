"""Frames and a sound written as a video file by PyAV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...protocol.context import context
from ..whole_files import write
from . import sounds
from .media import need_av
from .video_types import VideoComponents


@dataclass(frozen=True)
class Encoding:
    """A kind of file: ffmpeg's names of the container, the codec of the pictures and their pixels."""

    container: str
    codec: str
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)


MP4 = Encoding("mp4", "h264")


def write_to(path: str | io.BytesIO, save: Callable[[Any], None]) -> None:
    """Let ``save`` write into a stream in memory, or into a file that appears whole or not at all."""
    if isinstance(path, io.BytesIO):
        save(path)
    else:
        write(Path(path), save)


def writer(target: Any, container: str, metadata: Mapping[str, Any] | None) -> Any:
    """A PyAV container that writes into ``target`` and carries ``metadata`` (values other than texts as JSON)."""
    options = {"movflags": "use_metadata_tags"} if container == "mp4" else {}
    made = need_av().open(target, mode="w", format=container, options=options)
    for name, value in (metadata or {}).items():
        made.metadata[name] = value if isinstance(value, str) else json.dumps(value)
    return made


def encode(target: Any, video: VideoComponents, kind: Encoding, metadata: Mapping[str, Any] | None) -> None:
    """Write ``video`` into the open file ``target``; sound beyond the last picture is left out.

    Odd sides lose their last row or column, as colours are coded for pairs of pixels. Raises ``ValueError`` for a video
    without pictures.
    """
    count = len(video.images)
    height, width = (int(side) // 2 * 2 for side in video.images.shape[1:3])
    if not (count and height and width):
        raise ValueError(f"a video needs pictures of at least 2 x 2 pixels, these are {list(video.images.shape)}")
    rate = Fraction(video.frame_rate).limit_denominator(1001 * 60)
    if rate <= 0:
        raise ValueError(f"a video has more than 0 frames a second, not {float(rate)}")
    with writer(target, kind.container, metadata) as container:
        stream = container.add_stream(kind.codec, rate=rate, options=dict(kind.options))
        stream.width, stream.height, stream.pix_fmt = width, height, kind.pixels
        if "crf" in kind.options:
            stream.bit_rate = 0
        sound = _sound_stream(container, video, count / rate)
        for index, image in enumerate(video.images):
            context().progress(index, count)
            for packet in stream.encode(_frame(image[:height, :width], kind.pixels)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if sound is not None:
            for packet in sounds.encoded(*sound):
                container.mux(packet)


def _frame(image: Any, pixels: str) -> Any:
    """``[H,W,C]`` in 0..1 (grey, RGB or RGBA) as a frame of these pixels."""
    rgb = image[..., :3] if image.shape[-1] >= 3 else image[..., :1].expand(*image.shape[:2], 3)
    bytes_ = (rgb.detach().cpu().float().clamp(0, 1) * 255).round().byte().contiguous().numpy()
    return need_av().VideoFrame.from_ndarray(bytes_, format="rgb24").reformat(format=pixels)


def _sound_stream(container: Any, video: VideoComponents, seconds: Fraction) -> tuple[Any, Any, int] | None:
    """The stream of the sound, its samples ``[C,T]`` cut to the length of the pictures, and their rate."""
    if video.audio is None:
        return None
    waveform, rate = sounds.parts(video.audio)
    samples = waveform[0, :, : int(seconds * rate)]
    if not samples.shape[1]:
        return None
    stream = container.add_stream("aac", rate=sounds.rate_for("aac", rate), layout=sounds.layout_of(samples))
    return stream, samples, rate

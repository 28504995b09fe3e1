"""Sounds in files: AUDIO ``{"waveform": float32 [B,C,T] in -1..1, "sample_rate": int}`` read and written by PyAV."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...protocol.context import context
from .media import Source, need_av, opened

if TYPE_CHECKING:
    from torch import Tensor

#: Channels → what ffmpeg calls their arrangement.
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
_CODECS = {"flac": "flac", "mp3": "libmp3lame", "opus": "libopus"}
_RATES = {
    "opus": (8000, 12000, 16000, 24000, 48000),
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
}


def parts(audio: Any, what: str = "audio") -> tuple[Tensor, int]:
    """The waveform ``float32 [B,C,T]`` and the rate of an AUDIO value; raises ``ValueError`` for anything else."""
    if audio is None:
        raise ValueError(f"{what} holds no sound; the video it comes from may be silent")
    try:
        waveform, rate = audio["waveform"], int(audio["sample_rate"])
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{what} is no AUDIO value (a dict with waveform and sample_rate)") from None
    if waveform.ndim != 3 or rate <= 0:
        raise ValueError(
            f"{what} has a waveform of shape {list(waveform.shape)} at {rate} Hz; "
            "it has to be [batch, channels, samples]"
        )
    return waveform.float(), rate


def load(source: Source) -> dict[str, Any]:
    """The first sound of an audio or video file, as AUDIO of batch 1; raises ``ValueError`` where there is none."""
    with opened(source) as container:
        if not container.streams.audio:
            raise ValueError("this file holds no sound, only " + (_kinds(container) or "nothing that can be read"))
    sound = read(source)
    if sound is None:
        raise ValueError("the sound in this file has no samples")
    return sound


def _kinds(container: Any) -> str:
    return " and ".join(sorted({stream.type for stream in container.streams}))


def read(source: Source, start: float = 0.0, end: float | None = None) -> dict[str, Any] | None:
    """The first sound of a file between two moments in seconds; None where there is none."""
    import numpy as np
    import torch

    with opened(source) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        rate = int(stream.rate)
        blocks = list(_blocks(container, stream, start, end))
    if not blocks:
        return None
    return {"waveform": torch.from_numpy(np.concatenate(blocks, axis=1)).unsqueeze(0), "sample_rate": rate}


def _blocks(container: Any, stream: Any, start: float, end: float | None) -> Any:
    """``float32 [C,T]`` arrays of what sounds between ``start`` and ``end``."""
    rate, origin = int(stream.rate), float((stream.start_time or 0) * (stream.time_base or 0))
    if start > 0:
        container.seek(int((start + origin) * 1_000_000))
    resampler = need_av().AudioResampler(format="fltp")
    for frame in container.decode(stream):
        context().check_interrupted()
        at = round(((frame.time or origin) - origin) * rate)
        for part in resampler.resample(frame):
            block = part.to_ndarray()
            first = max(round(start * rate) - at, 0)
            last = block.shape[1] if end is None else round(end * rate) - at
            if last <= 0:
                return
            if first < min(last, block.shape[1]):
                yield block[:, first:last]
            at += block.shape[1]


def rate_for(codec: str, rate: int) -> int:
    """The sample rate a codec writes for sounds of ``rate``: itself, or the next higher, or the highest it has."""
    rates = _RATES.get(codec, (rate,))
    return next((one for one in rates if one >= rate), rates[-1])


def encode_audio(
    waveform: Tensor, sample_rate: int, format: str, quality: str, carried: Mapping[str, str]
) -> bytes:  # fmt: skip
    """A ``float32 [C,T]`` tensor in -1..1 as the bytes of a ``flac``, ``mp3`` or ``opus`` file.

    ``quality`` of an mp3 is ``"V0"`` or, as of opus, a bit rate such as ``"128k"``; ``carried`` becomes tags.
    Raises ``ValueError`` for another format or a number of channels or samples no file has.
    """
    if format not in _CODECS:
        raise ValueError(f"sounds are saved as {', '.join(_CODECS)}, not as {format!r}")
    layout = layout_of(waveform)
    if waveform.shape[1] == 0:
        raise ValueError("there is no sound to save: it has 0 samples")
    av = need_av()
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format=format) as container:
        container.metadata.update(carried)
        stream = container.add_stream(_CODECS[format], rate=rate_for(format, sample_rate), layout=layout)
        _set_quality(stream, format, quality)
        for packet in encoded(stream, waveform, sample_rate):
            container.mux(packet)
    return buffer.getvalue()


def layout_of(waveform: Tensor) -> str:
    """ffmpeg's name for the channels of ``[C,T]``."""
    channels = int(waveform.shape[0])
    if channels not in LAYOUTS:
        raise ValueError(f"sounds have {', '.join(map(str, LAYOUTS))} channels, this one has {channels}")
    return LAYOUTS[channels]


def encoded(stream: Any, waveform: Tensor, sample_rate: int) -> Any:
    """The packets of ``[C,T]``, second by second; resampled where the stream has another rate."""
    samples = waveform.detach().cpu().float().contiguous().numpy()
    for first in range(0, samples.shape[1], sample_rate):
        context().check_interrupted()
        block = samples[:, first : first + sample_rate].copy()
        frame = need_av().AudioFrame.from_ndarray(block, format="fltp", layout=layout_of(waveform))
        frame.sample_rate, frame.pts = sample_rate, first
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _set_quality(stream: Any, format: str, quality: str) -> None:
    if format == "mp3" and quality == "V0":
        stream.codec_context.qscale = 1
    elif format != "flac":
        stream.bit_rate = int(quality.removesuffix("k")) * 1000

"""Sounds as files, by PyAV."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

_CODECS = {"flac": "flac", "mp3": "libmp3lame", "opus": "libopus"}
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def need_av() -> Any:
    """The ``av`` module; raises ``ImportError`` saying how to get it."""
    try:
        import av
    except ImportError as error:
        raise ImportError("audio and video files need PyAV: pip install av") from error
    return av


def encode_audio(waveform: Any, sample_rate: int, format: str, quality: str, carried: Mapping[str, str]) -> bytes:
    """A ``float32 [C,T]`` tensor in -1..1 as the bytes of a ``flac``, ``mp3`` or ``opus`` file.

    ``carried`` becomes tags of the file. Raises ``ValueError`` for another format or a number of channels no file has.
    """
    if format not in _CODECS:
        raise ValueError(f"sounds are saved as {', '.join(_CODECS)}, not as {format!r}")
    channels = int(waveform.shape[0])
    if channels not in _LAYOUTS:
        raise ValueError(f"sounds have {', '.join(map(str, _LAYOUTS))} channels, this one has {channels}")
    av = need_av()
    buffer = io.BytesIO()
    rate = sample_rate
    if format == "opus" and sample_rate not in _OPUS_RATES:
        rate = next((one for one in _OPUS_RATES if one > sample_rate), _OPUS_RATES[-1])
    with av.open(buffer, mode="w", format=format) as container:
        container.metadata.update(carried)
        stream = container.add_stream(_CODECS[format], rate=rate, layout=_LAYOUTS[channels])
        _set_quality(stream, format, quality)
        frame = av.AudioFrame.from_ndarray(
            waveform.movedim(0, 1).reshape(1, -1).float().numpy(), format="flt", layout=_LAYOUTS[channels]
        )
        frame.sample_rate, frame.pts = sample_rate, 0
        for packet in stream.encode(frame):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return buffer.getvalue()


def _set_quality(stream: Any, format: str, quality: str) -> None:
    if format == "mp3" and quality == "V0":
        stream.codec_context.qscale = 1
    elif format != "flac":
        stream.bit_rate = int(quality.removesuffix("k")) * 1000

"""Opening audio and video files by PyAV; what is wrong with them is said in words."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: What a media file is read from: a path, or its bytes in memory.
Source = str | io.BytesIO


def need_av() -> Any:
    """The ``av`` module; raises ``ImportError`` saying how to get it."""
    try:
        import av
    except ImportError as error:
        raise ImportError("audio and video files need PyAV: pip install 'comfy-notebook[video]'") from error
    return av


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """The PyAV container of a file, closed at the end; a stream is read from its beginning.

    Raises ``FileNotFoundError``, and ``ValueError`` naming the file when it is no media file or damaged, also when that
    is found only while it is decoded.
    """
    av = need_av()
    if isinstance(source, io.BytesIO):
        source.seek(0)
    try:
        container = av.open(source, mode="r", metadata_errors="replace")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {source!r}") from None
    except (av.FFmpegError, OSError) as error:
        raise ValueError(
            f"{_name(source)} is no audio or video file, or it is damaged: {_reason(error)}"
        ) from None  # fmt: skip
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            raise ValueError(f"{_name(source)} is damaged or cut off: {_reason(error)}") from None


def _name(source: Source) -> str:
    return "the file in memory" if isinstance(source, io.BytesIO) else repr(os.path.basename(source))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)

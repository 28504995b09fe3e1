"""What a thread prints is kept apart from what everybody else prints."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 100_000
_lock = threading.Lock()
_buffers: dict[int, io.StringIO] = {}


class _Router:
    """Stands in for ``sys.stdout`` or ``sys.stderr`` while a thread is listened to."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        buffer = _buffers.get(threading.get_ident())
        if buffer is None:
            return int(self.stream.write(text) or 0)
        if buffer.tell() < _LONGEST:
            buffer.write(text)
        return len(text)

    def flush(self) -> None:
        if threading.get_ident() not in _buffers:
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def captured() -> Iterator[io.StringIO]:
    """What the calling thread writes to stdout and stderr meanwhile lands in the buffer alone."""
    buffer, ident = io.StringIO(), threading.get_ident()
    with _lock:
        _buffers[ident] = buffer
        _route(True)
    try:
        yield buffer
    finally:
        with _lock:
            _buffers.pop(ident, None)
            if not _buffers:
                _route(False)


def _route(on: bool) -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if on and stream is not None and not isinstance(stream, _Router):
            setattr(sys, name, _Router(stream))
        elif not on and isinstance(stream, _Router):
            setattr(sys, name, stream.stream)

"""What a thread prints is kept apart from what everybody else prints, the programs it starts included."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 100_000
_lock = threading.Lock()
_buffers: dict[int, io.StringIO] = {}
_start: Any = None
_system = os.system


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


class _Programs:
    """Where programs write that a thread starts: a pipe, read to its end however long one of them goes on."""

    def __init__(self, buffer: io.StringIO) -> None:
        reading, self.writing = os.pipe()
        self._thread = threading.Thread(target=self._read, args=(reading, buffer), daemon=True)
        self._thread.start()

    @staticmethod
    def _read(reading: int, buffer: io.StringIO) -> None:
        with open(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not buffer.closed and buffer.tell() < _LONGEST:
                    buffer.write(line)

    def close(self) -> None:
        os.close(self.writing)
        self._thread.join(1.0)


_programs: dict[int, _Programs] = {}


@contextmanager
def captured() -> Iterator[io.StringIO]:
    """What the calling thread writes to stdout and stderr meanwhile lands in the buffer alone, and so does what the
    programs write that it starts without saying where to."""
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
        programs = _programs.pop(ident, None)
        if programs is not None:
            programs.close()


def _route(on: bool) -> None:
    global _start, _system
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if on and stream is not None and not isinstance(stream, _Router):
            setattr(sys, name, _Router(stream))
        elif not on and isinstance(stream, _Router):
            setattr(sys, name, stream.stream)
    current: Any = subprocess.Popen.__init__
    if on and current is not _start_quietly:
        _start = current
        subprocess.Popen.__init__ = _start_quietly  # type: ignore[method-assign]
    elif not on and current is _start_quietly:
        subprocess.Popen.__init__ = _start  # type: ignore[method-assign]
    if on and os.system is not _system_quietly:
        _system, os.system = os.system, _system_quietly
    elif not on and os.system is _system_quietly:
        os.system = _system


def _start_quietly(self: Any, *arguments: Any, **named: Any) -> None:
    """``Popen(…)``; its fifth and sixth positional arguments are stdout and stderr."""
    ident = threading.get_ident()
    if ident in _buffers:
        for position, name in ((4, "stdout"), (5, "stderr")):
            if len(arguments) <= position and named.get(name) is None:
                if ident not in _programs:
                    _programs[ident] = _Programs(_buffers[ident])
                named[name] = _programs[ident].writing
    _start(self, *arguments, **named)


def _system_quietly(command: Any) -> int:
    """``os.system(command)`` as a program like others; its answer is a wait status where the system has these."""
    if threading.get_ident() not in _buffers:
        return int(_system(command))
    code = subprocess.call(command, shell=True)
    if os.name != "posix":
        return code
    return code << 8 if code >= 0 else -code

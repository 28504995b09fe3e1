"""Packs are imported beside the main thread, where Python lets nobody handle signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_listeners: dict[int, Callable[[str], None]] = {}
_handle: Any = None


@contextmanager
def left_alone(tell: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile ``signal.signal`` of the calling thread changes nothing and ``tell`` hears of it: a pack that wants to
    end cleanly at Ctrl+C must neither fail for it nor take the kernel's own answer to an interrupt away."""
    global _handle
    with _lock:
        _listeners[threading.get_ident()] = tell
        if signal.signal is not _keep:
            _handle, signal.signal = signal.signal, _keep  # type: ignore[assignment]
    try:
        yield
    finally:
        with _lock:
            _listeners.pop(threading.get_ident(), None)
            if not _listeners and signal.signal is _keep:
                signal.signal = _handle


def _keep(number: int, handler: Any) -> Any:
    tell = _listeners.get(threading.get_ident())
    if tell is None:
        return _handle(number, handler)
    tell(f"wanted to handle {signal.Signals(number).name}: the kernel goes on doing that")
    return signal.getsignal(number)

"""Events on their way to the browser, a few messages a second instead of one each.

Jupyter drops messages above 1000 a second, and a graph of many small nodes makes more events than that. So after a few
that leave at once, events are gathered for a moment and sent as one message; of a progress bar or a preview only the
newest matters. Pictures that are results all arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Hashable
from dataclasses import replace

from ..engine.events import Event
from ..server.progress_parts import ProgressParts
from .plain import plain
from .requests import CHUNK_BYTES, Sender

#: At most this many messages of events a second for one editor, once the burst is spent.
RATE = 10.0

#: After a pause this many messages leave without delay: the queue's length, the run's start and its first node.
BURST = 5

#: Even those wait so many seconds for what is said in the same breath.
GATHER = 0.002

#: Of these only the newest of a node counts while they wait.
_REPLACED = frozenset({"progress", "progress_state", "b_preview", "b_preview_with_metadata", "status"})


class Outbox:
    """Takes events from any thread, in order, and sends them in batches from the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Sender) -> None:
        self._loop, self._send = loop, send
        self._lock = threading.Lock()
        self._progress = ProgressParts()
        self._waiting: dict[Hashable, Event] = {}
        self._count = 0
        self._scheduled = False
        self._free_at = 0.0  # when the burst is whole again

    def put(self, event: Event) -> None:
        """Queue ``event``; returns at once."""
        with self._lock:
            self._count += 1
            key = _key(event) or self._count
            self._waiting.pop(key, None)  # the newest takes its place at the end: order against other events holds
            self._waiting[key] = event
            if self._scheduled:
                return
            self._scheduled = True
        with contextlib.suppress(RuntimeError):  # the loop is gone at interpreter exit
            self._loop.call_soon_threadsafe(self._schedule)

    def _schedule(self) -> None:
        self._loop.call_later(max(GATHER, self._free_at - (BURST - 1) / RATE - time.monotonic()), self._flush)

    def _flush(self) -> None:
        with self._lock:
            events, self._waiting, self._scheduled = list(self._waiting.values()), {}, False
        self._free_at = max(self._free_at, time.monotonic()) + 1 / RATE
        batch: list[Event] = []
        size = 0
        for event in itertools.chain.from_iterable(map(self._parts, events)):
            weight = sum(map(len, event.buffers))
            if batch and size + weight > CHUNK_BYTES:
                self._send_batch(batch)
                batch, size = [], 0
            batch.append(event)
            size += weight
        if batch:
            self._send_batch(batch)

    def _parts(self, event: Event) -> list[Event]:
        if event.type != "progress_state":
            return [event]
        return [replace(event, data=data) for data in self._progress.of(event.data)]

    def _send_batch(self, batch: list[Event]) -> None:
        events = [{"type": e.type, "data": plain(e.data), "buffers": len(e.buffers)} for e in batch]
        self._send({"kind": "events", "events": events}, [buffer for event in batch for buffer in event.buffers])


def _key(event: Event) -> Hashable | None:
    data = event.data
    if event.type not in _REPLACED or data.get("image_type") == "image/png":  # previews are JPEG, results are PNG
        return None
    return (event.type, str(data.get("prompt_id")), str(data.get("node") or data.get("node_id")))

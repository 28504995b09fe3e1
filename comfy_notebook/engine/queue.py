"""The queue of prompts: a heap of items, lower numbers first, and the one that runs."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterable

from .run_services import QueueItem


class PromptQueue:
    """Safe from any thread. ``dropped(item)`` is told of every item taken out before it ran."""

    def __init__(self, dropped: Callable[[QueueItem], None] | None = None) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, QueueItem]] = []
        self._order = itertools.count()
        self._running: list[QueueItem] = []
        self._dropped = dropped
        self._closed = False

    def running(self) -> list[QueueItem]:
        with self._changed:
            return list(self._running)

    def pending(self) -> list[QueueItem]:
        """What waits, in the order it will run."""
        with self._changed:
            return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[:2])]

    def remaining(self) -> int:
        """How many prompts wait or run."""
        with self._changed:
            return len(self._heap) + len(self._running)

    def put(self, item: QueueItem) -> None:
        with self._changed:
            heapq.heappush(self._heap, (item.number, next(self._order), item))
            self._changed.notify()

    def take(self) -> QueueItem | None:
        """Wait for the next item and mark it as running; None once the queue is closed."""
        with self._changed:
            while not self._heap and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            item = heapq.heappop(self._heap)[2]
            self._running.append(item)
            return item

    def done(self, item: QueueItem) -> None:
        """The running ``item`` has ended."""
        with self._changed:
            self._running = [other for other in self._running if other.prompt_id != item.prompt_id]

    def remove(self, prompt_ids: Iterable[str]) -> list[str]:
        """Take waiting prompts out; returns the ids that were there. The running one is for ``interrupt``."""
        wanted = set(prompt_ids)
        return self._drop(lambda item: item.prompt_id in wanted)

    def clear(self) -> list[str]:
        """Take every waiting prompt out."""
        return self._drop(lambda item: True)

    def close(self) -> None:
        """Drop what waits and wake whoever takes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.clear()

    def _drop(self, wanted: Callable[[QueueItem], bool]) -> list[str]:
        with self._changed:
            gone = [item for _, _, item in self._heap if wanted(item)]
            self._heap = [entry for entry in self._heap if not wanted(entry[2])]
            heapq.heapify(self._heap)
        if self._dropped is not None:
            for item in gone:
                self._dropped(item)
        return [item.prompt_id for item in gone]

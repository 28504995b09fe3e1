"""Work that may wait a moment: asked for many times, done once, on one background thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass
class _Job:
    due: float
    deadline: float
    work: Callable[[], None]


class Later:
    """Debounced jobs by key. The thread starts with the first job and is a daemon; ``flush`` does all of it now."""

    def __init__(self, name: str = "comfy_notebook-later") -> None:
        self._name = name
        self._wake = threading.Condition()
        self._jobs: dict[Hashable, _Job] = {}
        self._thread: threading.Thread | None = None
        self._working = threading.RLock()

    def call(self, key: Hashable, delay: float, work: Callable[[], None], longest: float = 3.0) -> None:
        """Do ``work`` ``delay`` seconds after the last call with this ``key``, ``longest`` after the first at most."""
        now = time.monotonic()
        with self._wake:
            waiting = self._jobs.get(key)
            deadline = waiting.deadline if waiting else now + max(longest, delay)
            self._jobs[key] = _Job(min(now + delay, deadline), deadline, work)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()

    def flush(self) -> None:
        """Do every waiting job now, on the calling thread; returns when running ones are done too."""
        with self._working:
            with self._wake:
                jobs, self._jobs = list(self._jobs.values()), {}
            for job in jobs:
                _attempt(job.work)

    def drop(self, key: Hashable) -> None:
        """Forget the waiting job of ``key``."""
        with self._wake:
            self._jobs.pop(key, None)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (due := self._due()):
                    next_due = min((job.due for job in self._jobs.values()), default=None)
                    self._wake.wait(None if next_due is None else max(0.0, next_due - time.monotonic()))
            with self._working:
                for key in due:
                    with self._wake:
                        job = self._jobs.pop(key, None)
                    if job is not None:
                        _attempt(job.work)

    def _due(self) -> list[Hashable]:
        now = time.monotonic()
        return [key for key, job in self._jobs.items() if job.due <= now]


def _attempt(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # the next job must still be done
        log.exception("a background job failed")

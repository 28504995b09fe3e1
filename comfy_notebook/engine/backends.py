"""Where prompts run. The engine speaks to a backend through three calls, so that another one (other processes, other
machines) can take its place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from .queue import PromptQueue
from .run_services import QueueItem

log = logging.getLogger(__name__)


class Backend(Protocol):
    """Runs queued prompts; ``queue`` shows what waits and what runs."""

    queue: PromptQueue

    def submit(self, item: QueueItem) -> None:
        """Queue ``item``; returns at once."""

    def cancel(self, prompt_id: str) -> bool:
        """Take a prompt out that has not started; False when there is none of that id."""

    def shutdown(self, timeout: float | None = None) -> None:
        """Drop what waits and end once the running prompt has ended, waiting at most ``timeout`` seconds."""


class ThreadBackend:
    """One daemon thread of this process, started with the first prompt. ``run(item)`` executes one prompt; whatever it
    raises, ``SystemExit`` of a node included, the thread goes on with the next."""

    def __init__(self, run: Callable[[QueueItem], None], dropped: Callable[[QueueItem], None]) -> None:
        self.queue = PromptQueue(dropped)
        self._run = run
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, item: QueueItem) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine has been shut down")
            self.queue.put(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="comfy-notebook-engine", daemon=True)
                self._thread.start()

    def cancel(self, prompt_id: str) -> bool:
        return bool(self.queue.remove([prompt_id]))

    def shutdown(self, timeout: float | None = None) -> None:
        with self._lock:
            self._closed = True
            thread = self._thread
        self.queue.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _work(self) -> None:
        while (item := self.queue.take()) is not None:
            try:
                self._run(item)
            except BaseException:
                log.exception("prompt %s ended the engine thread's work; it goes on with the next", item.prompt_id)
            finally:
                self.queue.done(item)

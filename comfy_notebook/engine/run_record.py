"""One prompt from submission to end: what it was, what it said, how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from .events import Event, EventBus
from .history import HistoryEntry, make_entry
from .progress import ProgressReporter
from .run_services import QueueItem
from .signature import Key


class RunRecord:
    """``keys`` and ``progress`` are filled while the prompt runs; ``ended`` is set once ``entry`` is there."""

    def __init__(self, item: QueueItem, bus: EventBus) -> None:
        self.item = item
        self.keys: dict[str, Key] = {}
        self.progress: ProgressReporter | None = None
        self.ended = threading.Event()
        self.entry: HistoryEntry | None = None
        self._bus = bus
        self._messages: list[Any] = []

    def publish(
        self, type: str, data: Mapping[str, Any], buffers: tuple[bytes, ...] = (), *, everybody: bool = False
    ) -> None:
        """To the client that queued the prompt; a prompt nobody claimed is told of only where ``everybody`` says so."""
        client_id = self.item.client_id
        if client_id is not None or everybody:
            self._bus.publish(Event(type, data, client_id, buffers))

    def send(self, type: str, data: Mapping[str, Any]) -> None:
        """:meth:`publish` with the prompt id in ``data``."""
        self.publish(type, {**data, "prompt_id": self.item.prompt_id})

    def status(self, type: str, data: Mapping[str, Any], *, everybody: bool = False) -> None:
        """Publish a message that the history keeps."""
        self.publish(type, self._kept(type, data), everybody=everybody)

    def blocked(self, data: Mapping[str, Any]) -> None:
        """Tell everybody of a blocker with a message; the history does not keep it."""
        self.publish("execution_error", self._stamped(data), everybody=True)

    def finish(self, outputs: Mapping[str, Any], meta: Mapping[str, Any], *, succeeded: bool) -> HistoryEntry:
        """Make the history entry."""
        self.progress = None
        self.entry = make_entry(self.item, outputs, meta, self._messages, succeeded=succeeded)
        return self.entry

    def drop(self) -> HistoryEntry:
        """The prompt was taken out of the queue before it ran; returns its entry."""
        self._kept("execution_interrupted", {"node_id": None, "node_type": None, "executed": []})
        entry = self.finish({}, {}, succeeded=False)
        self.ended.set()
        self.publish("cn.prompt_dropped", {"prompt_id": self.item.prompt_id})
        return entry

    def _kept(self, type: str, data: Mapping[str, Any]) -> dict[str, Any]:
        message = self._stamped(data)
        self._messages.append([type, message])
        return message

    def _stamped(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"prompt_id": self.item.prompt_id, **data, "timestamp": int(time.time() * 1000)}

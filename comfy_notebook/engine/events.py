"""Events on their way out: published by the engine and by nodes, received by a websocket, a widget or a test."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .failure import is_a_persons_stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """One message. ``type`` and ``data`` are those of the websocket API; ``client_id`` None means everybody.

    ``buffers`` carries binary payloads (previews), never base64 inside ``data``.
    """

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    buffers: tuple[bytes, ...] = ()


Subscriber = Callable[[Event], None]


class EventBus:
    """Hands events to subscribers on the publishing thread, in order. A subscriber must only enqueue and return."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._subscribers: list[tuple[Subscriber, str | None]] = []

    def publish(self, event: Event) -> None:
        with self._lock:
            receivers = [
                subscriber
                for subscriber, client_id in self._subscribers
                if event.client_id is None or client_id is None or client_id == event.client_id
            ]
        for receiver in receivers:
            try:
                receiver(event)
            except BaseException as error:  # one broken listener must not stop the engine or the others
                if is_a_persons_stop(error):
                    raise
                log.exception("a listener failed on event %r", event.type)

    def subscribe(self, subscriber: Subscriber, client_id: str | None = None) -> Callable[[], None]:
        """Receive events for everybody and those for ``client_id`` (all events when None); returns the way to stop."""
        entry = (subscriber, client_id)
        with self._lock:
            self._subscribers.append(entry)

        def unsubscribe() -> None:
            with self._lock:
                if entry in self._subscribers:
                    self._subscribers.remove(entry)

        return unsubscribe

    def has_listener(self, client_id: str) -> bool:
        """Whether somebody listens as this very client."""
        with self._lock:
            return any(listening == client_id for _, listening in self._subscribers)

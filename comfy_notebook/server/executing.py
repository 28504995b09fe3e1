"""What runs for each client now, for one that comes back in the middle."""

from __future__ import annotations

import threading

from ..engine.events import Event, EventBus

#: Messages that say where a run is; the last of each is what a client needs.
STATE = ("executing", "progress_state")
ENDINGS = ("execution_error", "execution_interrupted")


class Executing:
    """Remembers, while a prompt of a client runs, the last of its messages that tell how far it is."""

    def __init__(self, bus: EventBus) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, dict[str, Event]] = {}
        bus.subscribe(self._on_event)

    def of(self, client_id: str) -> list[Event]:
        """The messages that still hold for ``client_id``."""
        with self._lock:
            last = self._last.get(client_id, {})
            return [last[kind] for kind in STATE if kind in last]

    def _on_event(self, event: Event) -> None:
        if event.client_id is None or event.type not in (*STATE, *ENDINGS):
            return
        with self._lock:
            if event.type in ENDINGS or (event.type == "executing" and event.data.get("node") is None):
                self._last.pop(event.client_id, None)
            elif event.type == "executing" or event.client_id in self._last:
                self._last.setdefault(event.client_id, {})[event.type] = event

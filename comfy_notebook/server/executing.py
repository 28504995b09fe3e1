"""Which node of which client runs now, for a client that comes back in the middle."""

from __future__ import annotations

from typing import Any

from ..engine.events import Event, EventBus


class Executing:
    """Remembers the last ``executing`` message of every client whose prompt runs."""

    def __init__(self, bus: EventBus) -> None:
        self._nodes: dict[str, dict[str, Any]] = {}
        bus.subscribe(self._on_event)

    def of(self, client_id: str) -> dict[str, Any] | None:
        """The data of the ``executing`` message that still holds for ``client_id``."""
        return self._nodes.get(client_id)

    def _on_event(self, event: Event) -> None:
        if event.type != "executing" or event.client_id is None:
            return
        if event.data.get("node") is None:
            self._nodes.pop(event.client_id, None)
        else:
            self._nodes[event.client_id] = dict(event.data)

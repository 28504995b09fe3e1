"""What was logged lately, for clients that look (``/internal/logs``) or listen (``logs`` messages)."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, TextIO

from aiohttp import web

from ..engine.events import Event, EventBus
from .errors import BadRequest, json_object
from .services import services

routes = web.RouteTableDef()

KEPT = 1000
#: The logger whose records every session keeps.
OWN = __name__.partition(".")[0]
#: What the reference's terminal tells; there is none here.
SIZE = {"cols": 80, "rows": 24}


class LogBuffer:
    """The last lines; who has subscribed gets new ones as ``logs`` events. Safe from any thread."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._entries: deque[dict[str, str]] = deque(maxlen=KEPT)
        self._listeners: set[str] = set()
        self._inside = threading.local()

    def entries(self) -> list[dict[str, str]]:
        """``[{t: ISO time, m: text}]``, the oldest first."""
        with self._lock:
            return list(self._entries)

    def add(self, text: str) -> None:
        """Keep a text and pass it on; what is logged by passing it on is left out."""
        if getattr(self._inside, "busy", False):
            return
        entry = {"t": datetime.now().isoformat(), "m": text}
        with self._lock:
            self._entries.append(entry)
            listeners = list(self._listeners)
        self._inside.busy = True
        try:
            for client_id in listeners:
                self._bus.publish(Event("logs", {"entries": [entry]}, client_id))
        finally:
            self._inside.busy = False

    def subscribe(self, client_id: str, enabled: bool) -> None:
        with self._lock:
            (self._listeners.add if enabled else self._listeners.discard)(client_id)


class Handler(logging.Handler):
    """Log records into a buffer, and to where they would have gone without it."""

    def __init__(self, buffer: LogBuffer) -> None:
        super().__init__()
        self._buffer = buffer

    def emit(self, record: logging.LogRecord) -> None:
        self._buffer.add(self.format(record) + "\n")
        if not logging.root.handlers and logging.lastResort is not None and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)


class Tee:
    """A stream that is also kept: what nodes print belongs to the log of a server process."""

    def __init__(self, stream: TextIO, add: Callable[[str], None]) -> None:
        self._stream = stream
        self._add = add

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        if text:
            self._add(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_output(buffer: LogBuffer) -> None:
    """Keep whatever this process prints and whatever packs log from now on (our own records are kept already)."""
    sys.stdout = Tee(sys.stdout, buffer.add)
    sys.stderr = Tee(sys.stderr, buffer.add)
    handler = Handler(buffer)
    handler.addFilter(lambda record: not record.name.startswith(OWN))
    logging.getLogger().addHandler(handler)


@routes.get("/internal/logs")
async def get_logs(request: web.Request) -> web.Response:
    return web.json_response("".join(f"{entry['t']} - {entry['m']}" for entry in services(request).logs.entries()))


@routes.get("/internal/logs/raw")
async def get_raw_logs(request: web.Request) -> web.Response:
    return web.json_response({"entries": services(request).logs.entries(), "size": SIZE})


@routes.patch("/internal/logs/subscribe")
async def subscribe_to_logs(request: web.Request) -> web.Response:
    body = await json_object(request)
    client_id, enabled = body.get("clientId"), body.get("enabled")
    if not isinstance(client_id, str) or not isinstance(enabled, bool):
        raise BadRequest("The body must be {clientId: text, enabled: true or false}.")
    services(request).logs.subscribe(client_id, enabled)
    return web.Response()

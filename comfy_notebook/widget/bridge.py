"""The comm of one editor, joined to the real application: HTTP requests in, answers, events and a pulse out.

The comm handler only copies its message and hands it to the server's loop; everything else happens there, one task per
request, so a busy notebook thread delays the arrival of a request but never an answer, an event or the pulse.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import aiohttp

from ..engine.events import EventBus
from ..server.pair_connector import PairConnector
from .outbox import Outbox
from .requests import Exchange, Sender

log = logging.getLogger(__name__)

PROTOCOL = 1
PULSE_SECONDS = 10.0


class Endpoint(Protocol):
    """What the bridge needs of the server."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that serves the application."""
        ...

    def connect(self) -> socket.socket:
        """One end of a socket pair whose other end the application serves."""
        ...


class Bridge:
    """Speaks the comm protocol of ``docs/architecture.md`` 1.1 for all views of one editor."""

    def __init__(self, editor: str, endpoint: Endpoint, bus: EventBus, bundle: Callable[[], str], send: Sender) -> None:
        self._editor, self._bundle = editor, bundle
        self._endpoint, self._bus = endpoint, bus
        self._send = send
        self._closed = False
        self._views: set[str] = set()
        self._exchanges: dict[str, Exchange] = {}
        self._http: aiohttp.ClientSession | None = None
        self._pulse: asyncio.Task[None] | None = None
        self._loop = endpoint.loop
        self._outbox = Outbox(self._loop, send)
        self._unsubscribe: Callable[[], None] | None = None

    def receive(self, content: Any, buffers: Sequence[memoryview | bytes]) -> None:
        """Take one comm message, on whatever thread it comes; never raises and never waits."""
        if self._closed or not isinstance(content, Mapping) or not isinstance(content.get("kind"), str):
            return
        chunk = bytes(buffers[0]) if buffers else b""
        self._endpoint.loop.call_soon_threadsafe(self._handle, dict(content), chunk)

    def close(self) -> None:
        """Say ``closed`` to the views and end every request; safe from any thread, the second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._unsubscribe:
            self._unsubscribe()
        if self._views:
            self._send({"kind": "closed"}, [])
        # Not the endpoint's: asking it at interpreter exit would start a thread that can't start any more.
        with contextlib.suppress(RuntimeError):  # the loop may be closed
            self._loop.call_soon_threadsafe(self._shut_down)

    def _handle(self, content: dict[str, Any], chunk: bytes) -> None:
        try:
            match content["kind"]:
                case "hello":
                    self._hello(str(content["view"]), dict(content.get("asks") or {}))
                case "bye":
                    self._bye(str(content["view"]))
                case "http":
                    self._request(content, chunk)
                case "body":
                    if exchange := self._exchanges.get(content["rid"]):
                        exchange.feed(int(content["seq"]), chunk)
                case "cancel":
                    if exchange := self._exchanges.get(content["rid"]):
                        exchange.cancel()
        except (KeyError, TypeError, ValueError) as exc:
            log.warning("a view sent a malformed %r message: %r", content.get("kind"), exc)
            if isinstance(content.get("rid"), str):
                self._send({"kind": "fail", "rid": content["rid"], "message": f"The request is malformed: {exc!r}"}, [])

    def _hello(self, view: str, asks: Mapping[str, str]) -> None:
        self._views.add(view)
        if self._unsubscribe is None:
            self._unsubscribe = self._bus.subscribe(self._outbox.put, self._editor)
        if self._pulse is None:
            self._pulse = self._endpoint.loop.create_task(self._beat())
        welcome = {"kind": "welcome", "view": view, "editor": self._editor, "bundle": self._bundle()}
        self._send({**welcome, "protocol": PROTOCOL}, [])
        for rid, path in asks.items():
            if rid not in self._exchanges:  # a view that waits greets again
                self._request({"rid": rid, "path": str(path).replace("{editor}", self._editor)}, b"")

    def _bye(self, view: str) -> None:
        self._views.discard(view)
        for rid, exchange in list(self._exchanges.items()):
            if rid.startswith(f"{view}:"):
                exchange.cancel()
        if not self._views and self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            self._send({"kind": "pulse"}, [])

    def _request(self, content: dict[str, Any], chunk: bytes) -> None:
        rid = content["rid"]
        if not isinstance(rid, str) or rid in self._exchanges:
            raise ValueError(f"rid {rid!r} is not a fresh name")
        exchange = Exchange.from_message(content, chunk, self._send)
        self._exchanges[rid] = exchange
        exchange.start(self._session(), lambda: self._exchanges.pop(rid, None))

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=PairConnector(self._endpoint.connect, self._endpoint.loop),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=2**20,
                headers={"Accept-Encoding": "identity"},
            )
        return self._http

    def _shut_down(self) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
        for exchange in list(self._exchanges.values()):
            exchange.cancel()
        if self._http is not None:
            self._endpoint.loop.create_task(self._http.close())

"""The application on a thread of its own: reachable through a socket pair at once, and over TCP when asked.

``Server.connect()`` gives one end of a socket pair whose other end the application serves, so requests and websockets
work without any port. ``Server.listen()`` binds an address beside it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from .security import GATE, Gate, is_loopback_name
from .sockets import CONNECT

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

#: Seconds a silent connection stays open; the comm bridge keeps one pair for hours.
KEEPALIVE_SECONDS = 3600.0


@dataclass(frozen=True)
class Address:
    """Where the server listens. ``token`` is None on loopback; otherwise every request must carry it."""

    host: str
    port: int
    token: str | None = None
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The address a person on this machine opens."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


class Server:
    """One aiohttp application on its own event loop, in a daemon thread. All methods are safe from any thread."""

    def __init__(self, build: Callable[[], web.Application]) -> None:
        self._build = build
        self._gate = Gate()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that serves the application; started on first use."""
        self.start()
        assert self._loop is not None
        return self._loop

    @property
    def running(self) -> bool:
        """Whether the loop thread serves requests."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the loop thread and the application; does nothing when they run."""
        with self._lock:
            if self.running:
                return
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_serve, args=(loop,), name="comfy_notebook-server", daemon=True)
            thread.start()
            try:
                self._runner = asyncio.run_coroutine_threadsafe(self._set_up(), loop).result()
            except BaseException:
                loop.call_soon_threadsafe(loop.stop)
                raise
            self._loop, self._thread = loop, thread

    async def _set_up(self) -> web.AppRunner:
        app = self._build()
        app[GATE] = self._gate
        app[CONNECT] = self.connect
        runner = web.AppRunner(
            app, handle_signals=False, access_log=None, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=1.0
        )
        await runner.setup()
        return runner

    def submit(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = 30) -> T:
        """Run ``coroutine`` on the server's loop and wait for its result; never call it from that loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def connect(self) -> socket.socket:
        """One end of a fresh socket pair, non-blocking; the application serves the other end as HTTP/1.1.

        Returns at once and may be called from any thread, the loop's own included.
        """
        self.start()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        asyncio.run_coroutine_threadsafe(self._accept(theirs), self.loop)
        return ours

    async def _accept(self, sock: socket.socket) -> None:
        runner = self._runner
        if runner is None or runner.server is None:
            sock.close()
            return
        transport, _ = await self.loop.connect_accepted_socket(runner.server, sock)
        self._gate.trusted.add(transport)

    def allow_origin(self, origin: str | None) -> None:
        """Let pages of ``origin`` use the API over TCP; ``"*"`` lets in every page, None none but our own."""
        self._gate.allowed_origin = origin

    def compress(self, enabled: bool) -> None:
        """Send texts compressed to clients that accept it."""
        self._gate.compress = enabled

    def listen(
        self,
        host: str = "127.0.0.1",
        port: int = 8188,
        *,
        token: str | None = None,
        certificate: ssl.SSLContext | None = None,
    ) -> Address:
        """Bind ``host:port`` (0 = any free port). Other than on loopback a token is required, made when not given; with
        a ``certificate`` it is https.

        Raises ``OSError`` when the address is taken.
        """
        if not is_loopback_name(host):
            self._gate.token = token or self._gate.token or secrets.token_urlsafe(24)
        elif token is not None:
            self._gate.token = token
        bound = self.submit(self._bind(host, port, certificate))
        return Address(host, bound, self._gate.token, "http" if certificate is None else "https")

    async def _bind(self, host: str, port: int, certificate: ssl.SSLContext | None) -> int:
        assert self._runner is not None
        site = web.TCPSite(self._runner, host, port, ssl_context=certificate)
        await site.start()
        assert site._server is not None
        sockets = site._server.sockets  # type: ignore[attr-defined]
        _listening.update(listener.fileno() for listener in sockets)
        return int(sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close every connection and end the thread; ``start`` may follow."""
        with self._lock:
            loop, thread, runner = self._loop, self._thread, self._runner
            self._loop = self._thread = self._runner = None
        if loop is None or thread is None or runner is None:
            return
        _listening.clear()
        try:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)


#: File descriptors of every address that is listened on.
_listening: set[int] = set()


def _let_go() -> None:
    """A process that a node forks must not hold the port once this one is gone."""
    for number in _listening:
        with suppress(OSError):
            os.close(number)
    _listening.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

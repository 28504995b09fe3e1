"""A kernel without a kernel: comms whose other ends are web pages, and one thread that handles what comes from them.

``FakeKernel.install()`` makes ipywidgets open its comms here. Every page (or frame) that hosts widgets connects by a
WebSocket and gets its own models, as front ends of a Jupyter kernel do. ``busy()`` holds back messages from the
browser as a running cell does; messages to the browser go out at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

HERE = Path(__file__).parent
FRAME_SANDBOX = {"colab": "allow-scripts allow-same-origin allow-forms allow-popups", "opaque": "allow-scripts"}


class FakeComm:
    """Stands in for ``comm.base_comm.BaseComm``: same methods, the pages are the other end."""

    kernel = True

    def __init__(self, owner: FakeKernel, data: Any = None, buffers: Any = None, comm_id: str = "", **_: Any) -> None:
        self.owner = owner
        self.comm_id = comm_id or uuid.uuid4().hex
        self.on_message: Callable[[dict[str, Any]], None] | None = None
        owner.comms[self.comm_id] = self
        owner.broadcast({"type": "open", "comm_id": self.comm_id, "data": data}, buffers)

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
        self.owner.broadcast({"type": "msg", "comm_id": self.comm_id, "data": data}, buffers)

    def close(self, *_: Any, **__: Any) -> None:
        self.owner.comms.pop(self.comm_id, None)
        self.owner.broadcast({"type": "close", "comm_id": self.comm_id}, None)

    def on_msg(self, callback: Callable[[dict[str, Any]], None]) -> None:
        self.on_message = callback

    def on_close(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Pages never close a comm."""


class FakeKernel:
    """Comms, the web server that carries them to pages, and the "main thread" that handles messages."""

    def __init__(self) -> None:
        self.comms: dict[str, FakeComm] = {}
        self.alive = True
        self.received = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._inbox: queue.Queue[tuple[str, Any, list[bytes]]] = queue.Queue()
        self._free = threading.Event()
        self._free.set()
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="fake-kernel-web", daemon=True).start()
        threading.Thread(target=self._main_thread, name="fake-kernel-main", daemon=True).start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def create_comm(self, *_: Any, **kwargs: Any) -> FakeComm:
        """Replacement of ``comm.create_comm``."""
        return FakeComm(self, **kwargs)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While this holds, a cell "runs": nothing from the browser is handled."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    @contextlib.contextmanager
    def dead(self) -> Iterator[None]:
        """While this holds, nothing goes in or out, and nobody tells the pages."""
        self.alive = False
        try:
            yield
        finally:
            self.alive = True

    def restart(self) -> None:
        """Forget every comm and tell the pages, as JupyterLab tells its models after a kernel restart."""
        self.comms.clear()
        self.broadcast({"type": "restart"}, None)

    def broadcast(self, message: dict[str, Any], buffers: Any) -> None:
        """To every page, from any thread, in order. NaN fails here as it does in Jupyter."""
        if self.alive:
            parts = [bytes(buffer) for buffer in buffers or ()]
            text = json.dumps(message, allow_nan=False)
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, _pack(text, parts))

    async def _send_all(self) -> None:
        while True:
            frame = await self._outbox.get()
            for socket in list(self._sockets):
                with contextlib.suppress(ConnectionError):
                    await socket.send_bytes(frame)

    def _main_thread(self) -> None:
        while True:
            comm_id, data, buffers = self._inbox.get()
            self._free.wait()
            comm = self.comms.get(comm_id)
            if comm is not None and comm.on_message is not None:
                views = [memoryview(buffer) for buffer in buffers]
                comm.on_message({"content": {"comm_id": comm_id, "data": data}, "buffers": views})

    async def _listen(self) -> int:
        self._sending = self._loop.create_task(self._send_all())
        app = web.Application()
        app.router.add_get("/page", self._page)
        app.router.add_get("/frame", self._frame)
        app.router.add_get("/host.js", self._host_script)
        app.router.add_get("/ws", self._websocket)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return port

    async def _host_script(self, _: web.Request) -> web.StreamResponse:
        # A frame with an opaque origin loads modules as a stranger.
        return web.FileResponse(HERE / "host.js", headers={"Access-Control-Allow-Origin": "*"})

    async def _page(self, request: web.Request) -> web.Response:
        """The notebook page: outputs in it (plain), or one cross-site frame for each output."""
        variant, models = request.query["variant"], request.query["models"].split(",")
        if variant == "plain":
            body = "".join(f'<div class="output" data-model="{model}"></div>' for model in models)
            return _html(body + '<script type="module" src="/host.js"></script>')
        sandbox, origin = FRAME_SANDBOX[variant], f"http://localhost:{self.port}"
        frames = "".join(
            f'<iframe class="output-frame" sandbox="{sandbox}" src="{origin}/frame?models={model}&variant={variant}" '
            'style="width:100%;height:640px;border:0"></iframe>'
            for model in models
        )
        return _html(frames)

    async def _frame(self, request: web.Request) -> web.Response:
        models = request.query["models"].split(",")
        deny = (
            "<script>for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
            "{configurable: true, get() { throw new DOMException('Access is denied', 'SecurityError'); }});</script>"
        )
        body = "".join(f'<div class="output" data-model="{model}"></div>' for model in models)
        return _html(deny + body + '<script type="module" src="/host.js"></script>')

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        # 10 MiB is what Jupyter's server accepts of a browser; a larger message closes the connection there too.
        socket = web.WebSocketResponse(max_msg_size=10 * 2**20)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type == WSMsgType.BINARY and self.alive:
                    await self._take(socket, *_unpack(message.data))
        finally:
            self._sockets.discard(socket)
        return socket

    async def _take(self, socket: web.WebSocketResponse, text: str, buffers: list[bytes]) -> None:
        message = json.loads(text)
        if message["type"] == "state":
            state, paths, parts = _state(message["comm_id"])
            reply = {"type": "state", "comm_id": message["comm_id"], "state": state, "buffer_paths": paths}
            await socket.send_bytes(_pack(json.dumps(reply), parts))
            return
        self.received += 1
        self._inbox.put((message["comm_id"], message["data"], buffers))


def _state(comm_id: str) -> tuple[Any, Any, list[bytes]]:
    from ipywidgets.widgets import widget as module

    instance = module._instances.get(comm_id)
    if instance is None:
        return None, [], []
    state, paths, buffers = module._remove_buffers(instance.get_state())
    return state, paths, [bytes(buffer) for buffer in buffers]


def _html(body: str) -> web.Response:
    icon = '<link rel="icon" href="data:,">'  # or Chromium asks for one and complains
    head = f'<!doctype html><meta charset="utf-8">{icon}<title>notebook</title><style>body{{margin:8px}}</style>'
    return web.Response(text=f"{head}<body>{body}", content_type="text/html", headers={"Cache-Control": "no-store"})


def _pack(text: str, buffers: list[bytes]) -> bytes:
    """A frame: number of parts, their lengths, the parts; the JSON is the first. Big-endian, 32 bits."""
    parts = [text.encode(), *buffers]
    return struct.pack(f">{len(parts) + 1}I", len(parts), *map(len, parts)) + b"".join(parts)


def _unpack(frame: bytes) -> tuple[str, list[bytes]]:
    (count,) = struct.unpack_from(">I", frame)
    lengths = struct.unpack_from(f">{count}I", frame, 4)
    parts, at = [], 4 + 4 * count
    for length in lengths:
        parts.append(frame[at : at + length])
        at += length
    return parts[0].decode(), parts[1:]

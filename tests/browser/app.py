"""A small application and its widget, for tests of the shell and the bridge without an engine."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from aiohttp import web

from comfy_notebook.engine.events import EventBus
from comfy_notebook.server.runner import Server
from comfy_notebook.widget.view import BridgedWidget

BUNDLE = Path(__file__).parent / "fixtures" / "page.js"


class TestApplication:
    """Echoes, streams and counts; serves ``bundle`` as the editor's code."""

    __test__ = False

    def __init__(self, bundle: bytes | None = None) -> None:
        self.bundle = BUNDLE.read_bytes() if bundle is None else bundle
        self.hash = hashlib.sha256(self.bundle).hexdigest()
        self.bus = EventBus()
        self.bundle_requests = 0
        self.cancelled = 0
        self.server = Server(self._build)

    def widget(self, editor_id: str = "e1", **kwargs: object) -> BridgedWidget:
        """A widget joined to this application."""
        return BridgedWidget(
            editor_id=editor_id, endpoint=self.server, bus=self.bus, bundle=lambda: self.hash, **kwargs
        )

    def _build(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/cn/bundle/{name}", self._bundle)
        app.router.add_route("*", "/echo", self._echo)
        app.router.add_get("/bytes/{size}", self._bytes)
        app.router.add_get("/slow/{seconds}", self._slow)
        app.router.add_get("/stream", self._stream)
        return app

    async def _bundle(self, request: web.Request) -> web.Response:
        self.bundle_requests += 1
        if request.match_info["name"] != f"{self.hash}.js":
            raise web.HTTPNotFound
        return web.Response(body=self.bundle, content_type="text/javascript")

    async def _echo(self, request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            form = (await request.post()).items()
            fields = {
                key: [value.filename, len(value.file.read())] if isinstance(value, web.FileField) else value
                for key, value in form
            }
            return web.json_response({"form": fields})
        body = await request.read()
        answer = {
            "method": request.method,
            "query": dict(request.query),
            "type": request.headers.get("content-type"),
            "extra": request.headers.get("x-extra"),
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        return web.json_response(answer, status=201 if request.method == "PUT" else 200)

    async def _bytes(self, request: web.Request) -> web.Response:
        return web.Response(body=bytes(range(256)) * (int(request.match_info["size"]) // 256))

    async def _slow(self, request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(float(request.match_info["seconds"]))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return web.Response(text="done")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(int(request.query.get("count", "3"))):
            await response.write(f"line {number}\n".encode())
            await asyncio.sleep(0.1)
        await response.write_eof()
        return response

"""``GET /ws``: the events of a client as JSON messages and binary preview frames."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import WSMsgType, web

from ..engine.events import Event
from .catalogue import server_features
from .errors import parse_json
from .json_text import dumps
from .progress_parts import ProgressParts
from .services import Services, services

log = logging.getLogger(__name__)
routes = web.RouteTableDef()

PREVIEW, TEXT, PREVIEW_WITH_METADATA = 1, 3, 4
IMAGE_FORMATS = {"image/jpeg": 1, "image/png": 2}
#: A client that reads nothing for this many messages is dropped rather than kept in memory.
MAX_WAITING = 200_000
#: Seconds in which events gather, so that a run of many small nodes does not wake the loop for each.
GATHER = 0.002


class Client:
    """One websocket. Events arrive from any thread and leave in order on the server's loop."""

    def __init__(self, socket: web.WebSocketResponse, sid: str) -> None:
        self.sid = sid
        self.features: Mapping[str, Any] = {}
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._woken = False
        self._progress = ProgressParts()

    def receive(self, event: Event) -> None:
        """Take an event from the bus; only enqueues."""
        self._waiting.append(event)
        if not self._woken:  # two threads may both wake it: harmless
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server stopped
                self._loop.call_soon_threadsafe(self._wake.set)

    async def send_all(self) -> None:
        """Send what arrives until the socket closes."""
        while not self._socket.closed:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(GATHER)
            self._woken = False
            while self._waiting:
                if len(self._waiting) > MAX_WAITING:
                    log.warning("client %s reads too slowly; its websocket is closed", self.sid)
                    await self._socket.close(code=1008)
                    return
                await self._send(self._waiting.popleft())

    async def _send(self, event: Event) -> None:
        try:
            frame = binary_frame(event, bool(self.features.get("supports_preview_metadata")))
            texts = self._texts(event) if frame is None else []
        except Exception:  # of what a pack put into it; the other events must still arrive
            log.exception("an event of type %r can't be sent", event.type)
            return
        if frame is not None:
            await self._socket.send_bytes(frame)
        for text in texts:
            await self._socket.send_str(text)

    def _texts(self, event: Event) -> list[str]:
        if event.type != "progress_state":
            return [message(event)]
        return [message(replace(event, data=part)) for part in self._progress.of(event.data)]


@routes.get("/ws")
async def websocket(request: web.Request) -> web.WebSocketResponse:
    parts = services(request)
    socket = web.WebSocketResponse(heartbeat=30, max_msg_size=16 * 1024 * 1024)
    await socket.prepare(request)
    client = Client(socket, request.query.get("clientId") or uuid.uuid4().hex)
    unsubscribe = parts.bus.subscribe(client.receive, client.sid)
    client.receive(Event("status", {"status": status(parts), "sid": client.sid}, client.sid))
    for event in parts.executing.of(client.sid):
        client.receive(event)
    sender = asyncio.create_task(client.send_all())
    try:
        async for incoming in socket:
            if incoming.type is WSMsgType.TEXT:
                _on_message(parts, client, incoming.data)
    finally:
        unsubscribe()
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await sender
    return socket


def _on_message(parts: Services, client: Client, text: str) -> None:
    try:
        sent = parse_json(text)
    except Exception:
        log.debug("client %s sent no JSON", client.sid)
        return
    if isinstance(sent, dict) and sent.get("type") == "feature_flags" and isinstance(sent.get("data"), dict):
        client.features = sent["data"]
        client.receive(Event("feature_flags", server_features(parts), client.sid))


def status(parts: Services) -> dict[str, Any]:
    """The queue's length, as ``status`` messages carry it."""
    return {"exec_info": {"queue_remaining": parts.engine.queue.remaining()}}


def message(event: Event) -> str:
    """The JSON text of an event; values that JSON does not know are sent as their text."""
    return dumps({"type": event.type, "data": event.data})


def binary_frame(event: Event, with_metadata: bool) -> bytes | None:
    """The binary frame of a preview or progress text; None for events that travel as JSON.

    A frame is a big-endian ``uint32`` kind and its payload: 1 = image format (1 JPEG, 2 PNG) and image; 3 = length of
    the node id, node id, text; 4 = length of the metadata, metadata as JSON, image.
    """
    if event.type == "progress_text":
        node = str(event.data.get("nodeId") or event.data.get("node") or "").encode("utf-8", "replace")
        return struct.pack(">II", TEXT, len(node)) + node + str(event.data.get("text", "")).encode("utf-8", "replace")
    if event.type != "b_preview_with_metadata" or not event.buffers:
        return None
    if with_metadata:
        metadata = dumps(event.data).encode()
        return struct.pack(">II", PREVIEW_WITH_METADATA, len(metadata)) + metadata + event.buffers[0]
    kind = IMAGE_FORMATS.get(str(event.data.get("image_type")), 1)
    return struct.pack(">II", PREVIEW, kind) + event.buffers[0]

"""``server``: ``PromptServer.instance``, the way from Python to the browsers and back.

It is no server of its own: events go to the session's bus, routes to the one application, prompts to the engine.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import struct
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import aiohttp
from aiohttp import web

from .. import session as _session
from ..engine.events import Event
from ..protocol.context import context
from . import execution, folder_paths, nodes
from .app.user_manager import UserManager
from .prompt_queue import PromptQueue
from .protocol import BinaryEventTypes

_IMAGE_TYPES = {1: "image/jpeg", 2: "image/png"}


class PromptServer:
    """Packs may set attributes on the one ``instance``. Every method is safe from any thread."""

    instance: ClassVar[PromptServer]

    def __init__(self, loop: Any = None) -> None:
        self.prompt_queue = PromptQueue(self)
        self.user_manager = UserManager()
        self.supports = ["custom_nodes_from_web"]
        self.number = 0
        self.on_prompt_handlers: list[Callable[[dict[str, Any]], Any]] = []
        self.sockets: dict[str, Any] = {}
        self.sockets_metadata: dict[str, dict[str, Any]] = {}
        self.client_session: Any = None
        self.web_root = ""
        self.last_prompt_id: str | None = None
        self._client_id: str | None = None
        self._last_node_id: str | None = None

    @property
    def routes(self) -> web.RouteTableDef:
        return _session.current().packs.routes.table

    @property
    def app(self) -> web.Application:
        """Takes routes, static folders and middlewares at any time."""
        return _session.current().packs.routes.app

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that serves requests."""
        return _session.current().server.loop

    @property
    def address(self) -> str:
        return str(_args().listen)

    @property
    def port(self) -> int:
        return int(_args().port)

    @property
    def client_id(self) -> str | None:
        """Who queued the prompt that runs, or ran last; None for nobody."""
        for item in _session.current().engine.queue.running():
            self._client_id = item.client_id
        return self._client_id

    @client_id.setter
    def client_id(self, value: str | None) -> None:
        self._client_id = value

    @property
    def last_node_id(self) -> str | None:
        """The node that runs in this thread, else the one that was last said to run."""
        return context().node_id or self._last_node_id

    @last_node_id.setter
    def last_node_id(self, value: str | None) -> None:
        self._last_node_id = value

    def follow(self, event: Event) -> None:
        """Remember what runs; a listener of the bus."""
        if event.type == "executing" and event.data.get("node") is not None:
            self._last_node_id = str(event.data["node"])
            self.last_prompt_id = event.data.get("prompt_id")

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Send to the client ``sid``, or to everybody; ``event`` is a name, or a kind of binary message."""
        bus = _session.current().bus
        if event in (BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA):
            image, metadata = data if event == BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA else (data, {})
            bus.publish(_preview(image, metadata, sid))
        elif event == BinaryEventTypes.PREVIEW_IMAGE:
            kind = struct.unpack(">I", data[:4])[0]
            bus.publish(_picture(_IMAGE_TYPES.get(kind, "image/jpeg"), bytes(data[4:]), {}, sid))
        elif event == BinaryEventTypes.TEXT:
            size = struct.unpack(">I", data[:4])[0]
            self.send_progress_text(data[4 + size :], data[4 : 4 + size].decode(), sid)
        else:
            bus.publish(Event(str(event), {} if data is None else data, sid))

    async def send(self, event: Any, data: Any, sid: str | None = None) -> None:
        self.send_sync(event, data, sid)

    send_json = send_bytes = send

    async def send_image(self, image_data: Any, sid: str | None = None) -> None:
        self.send_sync(BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, image_data, sid)

    def send_progress_text(self, text: str | bytes, node_id: str, sid: str | None = None) -> None:
        """Show one line of text on a node."""
        line = text.decode() if isinstance(text, bytes) else text
        receiver = sid if sid is not None else self.client_id
        _session.current().bus.publish(Event("progress_text", {"nodeId": node_id, "text": line}, receiver))

    def add_on_prompt_handler(self, handler: Callable[[dict[str, Any]], Any]) -> None:
        """``handler(json) -> json`` may change every prompt before it is validated."""
        self.on_prompt_handlers.append(handler)
        _session.current().engine.on_prompt.add(handler)

    def trigger_on_prompt(self, json_data: dict[str, Any]) -> dict[str, Any]:
        """What the handlers make of a prompt."""
        for handler in list(self.on_prompt_handlers):
            try:
                json_data = handler(json_data)
            except Exception:
                logging.getLogger(__name__).exception("an on_prompt handler failed")
        return json_data

    def queue_updated(self) -> None:
        """Tell everybody how long the queue is."""
        self.send_sync("status", {"status": self.get_queue_info()})

    def get_queue_info(self) -> dict[str, Any]:
        return {"exec_info": {"queue_remaining": self.prompt_queue.get_tasks_remaining()}}


def _args() -> Any:
    from .comfy.cli_args import args

    return args


def _preview(image: Any, metadata: Any, sid: str | None) -> Event:
    """``image`` is ``(format, PIL image, longest side or None)``."""
    format, picture, side = image
    if side is not None and max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side))
    if format == "JPEG" and picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, format)
    return _picture(f"image/{format.lower()}", buffer.getvalue(), metadata or {}, sid)


def _picture(image_type: str, encoded: bytes, metadata: Any, sid: str | None) -> Event:
    running = context()
    names = ("node_id", "display_node_id", "parent_node_id", "real_node_id")
    data = {
        "prompt_id": running.prompt_id,
        **dict.fromkeys(names, running.node_id),
        **metadata,
        "image_type": image_type,
    }
    return Event("b_preview_with_metadata", data, sid, (encoded,))


PromptServer.instance = PromptServer()
_bound: tuple[Any, Callable[[], None]] | None = None


def bind(session: _session.Session) -> None:
    """Follow what runs in ``session``."""
    global _bound
    if _bound is not None and _bound[0] is session:
        return
    if _bound is not None:
        _bound[1]()
    _bound = (session, session.bus.subscribe(PromptServer.instance.follow))


bind(_session.current())

__all__ = [
    "BinaryEventTypes",
    "PromptServer",
    "aiohttp",
    "asyncio",
    "execution",
    "folder_paths",
    "json",
    "logging",
    "nodes",
    "os",
    "struct",
    "sys",
    "threading",
    "uuid",
    "web",
]

"""Connections of an aiohttp client to the application over socket pairs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler


class PairConnector(aiohttp.BaseConnector):
    """As ``aiohttp.UnixConnector`` makes connections over a socket file; ``connect`` is :meth:`Server.connect`."""

    allowed_protocol_schema_set = frozenset({"http", "ws"})

    def __init__(self, connect: Callable[[], socket.socket], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=0, loop=loop)
        self._connect = connect

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        _, protocol = await self._loop.create_connection(self._factory, sock=self._connect())
        return protocol

"""Websockets by requests alone: the frames of the stream, refusals, and what stays when the page goes."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import aiohttp

from comfy_notebook.session import Session


async def frames(response: aiohttp.ClientResponse, count: int) -> list[tuple[int, bytes]]:
    found = []
    for _ in range(count):
        kind, size = struct.unpack(">BI", await response.content.readexactly(5))
        found.append((kind, await response.content.readexactly(size)))
    return found


async def test_events_and_answers_come_down_and_messages_go_up(client: aiohttp.ClientSession, session: Session) -> None:
    async with client.get("/cn/sockets/one", params={"path": "/ws?clientId=me"}) as stream:
        (opened, first) = await frames(stream, 2)
        assert opened == (0, b"")
        assert (first[0], json.loads(first[1])["type"]) == (1, "status")
        told = json.dumps({"type": "feature_flags", "data": {}})
        assert (await client.post("/cn/sockets/one?kind=text", data=told)).status == 204
        (answer,) = await frames(stream, 1)
        assert json.loads(answer[1])["type"] == "feature_flags"
        assert session.bus.has_listener("me")
        assert (await client.post("/cn/sockets/one?kind=close&code=4000")).status == 204
        (closed,) = await frames(stream, 1)
        assert closed[0] == 3
        assert await stream.read() == b""
    assert not session.bus.has_listener("me")


async def test_what_is_no_websocket_is_refused(pair: aiohttp.ClientSession) -> None:
    for path, status in [("", 400), ("ws", 400), ("/object_info", 502), ("/no/such/route", 502)]:
        assert (await pair.get("/cn/sockets/x", params={"path": path})).status == status, path
    assert (await pair.post("/cn/sockets/unknown?kind=text", data="x")).status == 404


async def test_a_page_that_goes_takes_its_socket_along(
    pair: aiohttp.ClientSession, session: Session, monkeypatch: Any
) -> None:
    monkeypatch.setattr("comfy_notebook.server.sockets.LOOK_SECONDS", 0.05)
    stream = await pair.get("/cn/sockets/two", params={"path": "/ws?clientId=gone"})
    await frames(stream, 2)
    stream.close()
    for _ in range(200):
        if not session.bus.has_listener("gone"):
            break
        await asyncio.sleep(0.02)
    assert not session.bus.has_listener("gone")

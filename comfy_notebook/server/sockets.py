"""Websockets for pages that reach the application by requests alone: ``/ws``, and those that packs serve.

A socket is one streamed answer down and one request for each message up. The stream consists of frames: a byte that
says what it is, its length as a big-endian ``uint32``, the payload.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType, web

from .errors import BadRequest
from .pair_connector import PairConnector

routes = web.RouteTableDef()

OPENED, TEXT, BINARY, CLOSED = range(4)
#: Seconds between looks whether the page is still there while nothing comes.
LOOK_SECONDS = 5.0

#: Makes a connection to the application itself.
CONNECT: web.AppKey[Callable[[], socket.socket]] = web.AppKey("connect")
OPEN: web.AppKey[dict[str, ClientWebSocketResponse[bool]]] = web.AppKey("sockets", dict)


def frame(kind: int, payload: bytes) -> bytes:
    """One frame of the stream."""
    return struct.pack(">BI", kind, len(payload)) + payload


@routes.get("/cn/sockets/{id}")
async def open_socket(request: web.Request) -> web.StreamResponse:
    """``?path=/ws%3FclientId=…&protocols=a,b``: the frames of that websocket, the first one says that it is open."""
    path = request.query.get("path", "")
    if not path.startswith("/"):
        raise BadRequest("'path' must be the path of a websocket route.")
    protocols = [name for name in request.query.get("protocols", "").split(",") if name]
    connector = PairConnector(request.config_dict[CONNECT], asyncio.get_running_loop())
    async with aiohttp.ClientSession("http://comfy.invalid", connector=connector) as http:
        try:
            ws = await http.ws_connect(path, protocols=protocols, max_msg_size=0)
        except (aiohttp.ClientError, ValueError) as error:
            raise BadRequest(f"{path} opens no websocket: {error}", "no_websocket", 502) from None
        async with ws:
            return await _stream(request, ws)


async def _stream(request: web.Request, ws: ClientWebSocketResponse[bool]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    sockets, name = request.config_dict[OPEN], request.match_info["id"]
    sockets[name] = ws
    try:
        await response.write(frame(OPENED, (ws.protocol or "").encode()))
        while request.transport is not None and not request.transport.is_closing():
            try:
                message = await ws.receive(LOOK_SECONDS)
            except asyncio.TimeoutError:
                continue
            if message.type is WSMsgType.TEXT:
                await response.write(frame(TEXT, message.data.encode("utf-8", "surrogatepass")))
            elif message.type is WSMsgType.BINARY:
                await response.write(frame(BINARY, message.data))
            else:
                while message.type is WSMsgType.CLOSING and not ws.closed:
                    await asyncio.sleep(0.01)  # the request that closes it says with which code
                reason = message.extra if isinstance(message.extra, str) else ""
                code = {"code": ws.close_code or 1006, "reason": reason}
                await response.write(frame(CLOSED, json.dumps(code).encode()))
                break
    except ConnectionError:
        pass  # the page is gone
    finally:
        sockets.pop(name, None)
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


@routes.post("/cn/sockets/{id}")
async def send(request: web.Request) -> web.Response:
    """Sends the body: ``?kind=text`` or ``binary``; ``?kind=close&code=…`` ends the socket."""
    ws = request.config_dict[OPEN].get(request.match_info["id"])
    if ws is None:
        raise BadRequest("This websocket is closed.", "closed", 404)
    body, kind = await request.read(), request.query.get("kind")
    try:
        if kind == "close":
            code = request.query.get("code", "")
            await ws.close(code=int(code) if code.isdecimal() else 1000, message=body)
        elif kind == "binary":
            await ws.send_bytes(body)
        else:
            await ws.send_str(body.decode("utf-8", "replace"))
    except ConnectionError:
        raise BadRequest("This websocket is closed.", "closed", 404) from None
    return web.Response(status=204)

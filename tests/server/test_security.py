"""Who may talk over TCP."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from comfy_notebook.server.security import is_loopback_name
from comfy_notebook.session import Session


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:8188"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_loopback_address_refuses_other_sites(session: Session, headers: dict[str, str], status: int) -> None:
    address = session.server.listen(port=0)
    async with aiohttp.ClientSession() as http, http.get(address.url + "prompt", headers=headers) as response:
        assert response.status == status


async def test_own_origin_may_pass(session: Session) -> None:
    address = session.server.listen(port=0)
    origin = {"Origin": f"http://127.0.0.1:{address.port}"}
    async with aiohttp.ClientSession() as http, http.get(address.url + "prompt", headers=origin) as response:
        assert response.status == 200


async def test_wide_address_wants_a_token(session: Session, pair: aiohttp.ClientSession) -> None:
    address = session.server.listen("0.0.0.0", 0)
    assert address.token
    base = f"http://127.0.0.1:{address.port}/prompt"
    async with aiohttp.ClientSession() as http:
        assert (await http.get(base)).status == 401
        assert (await http.get(base, params={"token": "wrong"})).status == 401
        assert (await http.get(base, headers={"Authorization": f"Bearer {address.token}"})).status == 200
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        assert (await http.get(base, params={"token": address.token})).status == 200
        assert (await http.get(base)).status == 200  # the cookie
    assert (await pair.get("/prompt")).status == 200  # the notebook's own way asks for nothing


async def test_server_starts_in_milliseconds_stops_and_starts_again(session: Session) -> None:
    took = []
    for _ in range(4):
        session.server.stop()
        started = time.perf_counter()
        session.server.start()
        took.append(time.perf_counter() - started)
    assert min(took) < 0.2
    address = session.server.listen(port=0)
    async with aiohttp.ClientSession() as http, http.get(address.url + "prompt") as response:
        assert response.status == 200
    with pytest.raises(OSError, match=r"in use|address"):
        session.server.listen(port=address.port)


async def test_server_stops_soon_with_websockets_open(session: Session, pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws") as socket:
        await socket.receive_json()
        started = time.perf_counter()
        await asyncio.to_thread(session.server.stop)
        assert time.perf_counter() - started < 3
        while (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
    assert not session.server.running


@pytest.mark.parametrize(
    ("name", "loopback"),
    [("localhost", True), ("a.localhost", True), ("127.3.2.1", True), ("::1", True), ("0.0.0.0", False), ("", False),
     ("example.com", False), ("localhost.evil.com", False)],
)  # fmt: skip
def test_loopback_names(name: str, loopback: bool) -> None:
    assert is_loopback_name(name) is loopback

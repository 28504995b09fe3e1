"""The websocket: the messages of a run in order, feature negotiation, binary frames, the right client."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import aiohttp
import pytest
from PIL import Image

from comfy_notebook.engine.events import Event
from comfy_notebook.protocol.context import context
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished, steps_prompt


async def receive_until(socket: aiohttp.ClientWebSocketResponse[Any], last: Any) -> list[Any]:
    """Messages up to the one for which ``last`` holds: dicts for JSON, bytes for frames."""
    found: list[Any] = []
    while True:
        message = await socket.receive(timeout=20)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        found.append(json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else message.data)
        if last(found[-1]):
            return found


def ends(message: Any) -> bool:
    return isinstance(message, dict) and message["type"] == "executing" and message["data"]["node"] is None


def kinds(messages: list[Any]) -> list[str]:
    return [message["type"] if isinstance(message, dict) else "binary" for message in messages]


async def test_a_run_is_told_from_start_to_end_marker(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/ws?clientId=me") as socket:
        first = await socket.receive_json()
        assert first == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "me"}}
        body = {"prompt": SAY_SHOW, "client_id": "me"}
        prompt_id = (await (await client.post("/prompt", json=body)).json())["prompt_id"]
        messages = await receive_until(socket, ends)
    told = [kind for kind in kinds(messages) if kind not in ("status", "progress_state", "progress")]
    assert told == ["execution_start", "execution_cached", "executing", "executing", "executed", "execution_success",
                    "executing"]  # fmt: skip
    executed = next(message["data"] for message in messages if message["type"] == "executed")
    assert executed == {"node": "2", "display_node": "2", "output": {"text": ["hello"]}, "prompt_id": prompt_id}
    assert "status" in kinds(messages)


@pytest.mark.parametrize("with_metadata", [True, False])
async def test_previews_are_binary_frames_of_the_negotiated_kind(
    client: aiohttp.ClientSession, with_metadata: bool
) -> None:
    async with client.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": with_metadata}})
        flags = await socket.receive_json()
        assert flags["type"] == "feature_flags"
        assert flags["data"]["supports_preview_metadata"] is True
        assert flags["data"]["max_upload_size"] == 1024 * 1024
        body = {"prompt": steps_prompt(20), "client_id": "me"}
        prompt_id = (await (await client.post("/prompt", json=body)).json())["prompt_id"]
        messages = await receive_until(socket, ends)
    frames = [message for message in messages if isinstance(message, bytes)]
    assert frames
    kind, second = struct.unpack(">II", frames[0][:8])
    if with_metadata:
        assert kind == 4
        metadata = json.loads(frames[0][8 : 8 + second])
        assert metadata.pop("image_type") == "image/jpeg"
        assert metadata["node_id"] == metadata["display_node_id"] == metadata["real_node_id"] == "1"
        assert metadata["prompt_id"] == prompt_id
        image = frames[0][8 + second :]
    else:
        assert (kind, second) == (1, 1)
        image = frames[0][8:]
    assert image[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("everywhere", [True, False])
async def test_previews_can_be_switched_off(pair: aiohttp.ClientSession, session: Session, everywhere: bool) -> None:
    if everywhere:
        session.engine.preview_method = "none"
    async with pair.ws_connect("/ws?clientId=me") as socket:
        extra = {} if everywhere else {"preview_method": "none"}
        await pair.post("/prompt", json={"prompt": steps_prompt(20), "client_id": "me", "extra_data": extra})
        messages = await receive_until(socket, ends)
    assert "progress" in kinds(messages)
    assert "binary" not in kinds(messages)


async def test_each_client_gets_its_own_events(pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws?clientId=a") as one, pair.ws_connect("/ws?clientId=b") as two:
        await one.receive_json()
        await two.receive_json()
        body = {"prompt": SAY_SHOW, "client_id": "b"}
        prompt_id = (await (await pair.post("/prompt", json=body)).json())["prompt_id"]
        assert "executed" in kinds(await receive_until(two, ends))
        await finished(pair, prompt_id)
        await one.send_json({"type": "feature_flags", "data": {}})
        heard = await receive_until(one, lambda message: message["type"] == "feature_flags")
    assert set(kinds(heard)) == {"status", "feature_flags"}


async def test_rubbish_on_the_socket_is_ignored(pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws") as socket:
        first = await socket.receive_json()
        assert first["data"]["sid"]
        for text in ("", "{", "[]", '{"type": "feature_flags"}', '{"type": "feature_flags", "data": 3}'):
            await socket.send_str(text)
        await socket.send_bytes(b"\0" * 100)
        await socket.send_json({"type": "feature_flags", "data": {}})
        assert (await socket.receive_json())["type"] == "feature_flags"


async def test_many_events_from_a_thread_arrive_in_order(client: aiohttp.ClientSession, session: Session) -> None:
    def publish() -> None:
        for number in range(3000):
            session.bus.publish(Event("test", {"number": number}, "me"))

    async with client.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        await asyncio.to_thread(publish)
        numbers = [(await socket.receive_json())["data"]["number"] for _ in range(3000)]
    assert numbers == list(range(3000))


async def test_a_client_that_comes_back_hears_the_rest(pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        await pair.post("/prompt", json={"prompt": steps_prompt(100), "client_id": "me"})
        await receive_until(socket, lambda message: isinstance(message, dict) and message["type"] == "progress")
    async with pair.ws_connect("/ws?clientId=me") as socket:
        messages = await receive_until(socket, ends)
    assert kinds(messages)[0] == "status"
    running = [message["data"] for message in messages if isinstance(message, dict) and message["type"] == "executing"]
    assert running[0]["node"] == "1"
    assert "execution_success" in kinds(messages)
    progress = next(message["data"] for message in messages if kinds([message]) == ["progress_state"])
    assert progress["nodes"]["1"]["value"] > 0, "how far it was, at once"
    async with pair.ws_connect("/ws?clientId=me") as socket:
        await socket.send_json({"type": "feature_flags", "data": {}})
        heard = await receive_until(socket, lambda message: message["type"] == "feature_flags")
    assert kinds(heard) == ["status", "feature_flags"], "nothing runs any more"


class Unprintable:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


ODD: list[Any] = [
    {(1, 2): 3}, {None: 1, 2: float("nan")}, [float("inf")], Unprintable(), {Unprintable(): Unprintable()}, b"bytes",
    10**6000, "\ud800", {1, 2},
]  # fmt: skip


async def test_odd_events_do_not_silence_a_client(client: aiohttp.ClientSession, session: Session) -> None:
    ring: list[Any] = []
    ring.append(ring)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    async with client.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        for odd in [*ODD, ring, deep]:
            session.bus.publish(Event("odd", {"value": odd}, "me"))
            told = json.loads((await socket.receive(timeout=10)).data, parse_constant=pytest.fail)
            assert told["type"] == "odd"
        session.bus.publish(Event("progress_text", {"nodeId": "\ud800", "text": "\udfff"}, "me"))
        assert (await socket.receive(timeout=10)).data[:4] == struct.pack(">I", 3)


async def test_texts_and_final_pictures_are_frames(client: aiohttp.ClientSession, session: Session) -> None:
    def speak() -> int:
        context().text("half way, caf\u00e9")
        context().send_image(Image.new("RGB", (9, 5), (1, 2, 3)))
        return 1

    session.registry.register(definition_from_function(speak, name="Speak", output_node=True))
    for with_metadata in (False, True):
        async with client.ws_connect(f"/ws?clientId=me{with_metadata}") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": with_metadata}})
            body = {"prompt": {"7": {"class_type": "Speak", "inputs": {}}}, "client_id": f"me{with_metadata}"}
            await client.post("/free", json={"free_memory": True})
            await client.post("/prompt", json=body)
            frames = [told for told in await receive_until(socket, ends) if isinstance(told, bytes)]
        text, picture = frames
        assert text == struct.pack(">II", 3, 1) + b"7" + "half way, caf\u00e9".encode()
        kind, second = struct.unpack(">II", picture[:8])
        assert (kind, picture[8:][second if with_metadata else 0 :][:4]) == (4 if with_metadata else 1, b"\x89PNG")
        if with_metadata:
            told = json.loads(picture[8 : 8 + second])
            assert (told["node_id"], told["image_type"]) == ("7", "image/png")
        else:
            assert second == 2


async def test_two_sockets_of_one_client_and_a_stranger(pair: aiohttp.ClientSession) -> None:
    async with (
        pair.ws_connect("/ws?clientId=me") as one,
        pair.ws_connect("/api/ws?clientId=me") as two,
        pair.ws_connect("/ws") as stranger,
    ):
        sids = [(await socket.receive_json())["data"]["sid"] for socket in (one, two, stranger)]
        assert sids[:2] == ["me", "me"]
        assert sids[2] not in ("me", "")
        await pair.post("/prompt", json={"prompt": SAY_SHOW, "client_id": "me"})
        assert kinds(await receive_until(one, ends)) == kinds(await receive_until(two, ends))
        await stranger.send_json({"type": "feature_flags", "data": {}})
        heard = await receive_until(stranger, lambda message: message["type"] == "feature_flags")
    assert set(kinds(heard)) <= {"status", "feature_flags"}


async def test_a_prompt_of_nobody_is_told_to_nobody(pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        for client_id in ({}, {"client_id": None}, {"client_id": "you"}):
            prompt_id = (await (await pair.post("/prompt", json={"prompt": SAY_SHOW, **client_id})).json())["prompt_id"]
            await finished(pair, prompt_id)
        await socket.send_json({"type": "feature_flags", "data": {}})
        heard = await receive_until(socket, lambda message: message["type"] == "feature_flags")
    assert set(kinds(heard)) == {"status", "feature_flags"}

"""Many prompts and clients at once: nothing is lost, nothing reaches the wrong client, nothing is kept."""

from __future__ import annotations

import asyncio
import gc
import resource
from typing import Any

import aiohttp

from comfy_notebook.session import Session

from .conftest import finished
from .test_websocket import ends, kinds, receive_until

CLIENTS, PROMPTS = 50, 4


def say(text: str) -> dict[str, Any]:
    return {
        "1": {"class_type": "Say", "inputs": {"text": text}},
        "2": {"class_type": "Show", "inputs": {"text": ["1", 0]}},
    }


async def converse(http: aiohttp.ClientSession, name: str) -> tuple[list[str], list[Any]]:
    """Queue prompts and listen until all are over: their ids, and everything that was heard."""
    async with http.ws_connect(f"/ws?clientId={name}") as socket:
        await socket.receive_json()
        ids = []
        for number in range(PROMPTS):
            body = {"prompt": say(f"{name} {number}"), "client_id": name}
            async with http.post("/prompt", json=body) as response:
                assert response.status == 200
                ids.append((await response.json())["prompt_id"])
        heard: list[Any] = []
        for _ in range(PROMPTS):
            heard += await receive_until(socket, ends)
        return ids, heard


async def test_two_hundred_prompts_of_fifty_clients(client: aiohttp.ClientSession, session: Session) -> None:
    names = [f"client{number}" for number in range(CLIENTS)]
    told = await asyncio.gather(*(converse(client, name) for name in names))
    for name, (ids, heard) in zip(names, told, strict=True):
        own = [message["data"] for message in heard if "prompt_id" in message["data"]]
        assert {data["prompt_id"] for data in own} == set(ids), name
        shown = [message["data"]["output"]["text"][0] for message in heard if message["type"] == "executed"]
        assert shown == [f"{name} {number}" for number in range(PROMPTS)]
        assert kinds(heard).count("execution_success") == PROMPTS
    every = [prompt_id for ids, _ in told for prompt_id in ids]
    assert len(set(every)) == CLIENTS * PROMPTS
    await finished(client, every[-1])
    assert set(session.engine.history.all()) == set(every)
    assert session.engine.queue.remaining() == 0


async def test_clients_that_come_and_go_leave_nothing(pair: aiohttp.ClientSession, session: Session) -> None:
    async def visit(number: int) -> None:
        async with pair.ws_connect(f"/ws?clientId=visitor{number}") as socket:
            await socket.receive_json()
            body = {"prompt": say("the same"), "client_id": f"visitor{number}"}
            prompt_id = (await (await pair.post("/prompt", json=body)).json())["prompt_id"]
            await receive_until(socket, ends)
        await pair.post("/history", json={"delete": [prompt_id]})

    for number in range(20):
        await visit(number)
    before, subscribers = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(session.bus._subscribers)
    for number in range(20, 220, 10):
        await asyncio.gather(*(visit(number + step) for step in range(10)))
    gc.collect()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000, f"{grown} kB more after 200 visits"
    for _ in range(100):
        if len(session.bus._subscribers) <= subscribers:
            break
        await asyncio.sleep(0.05)
    assert len(session.bus._subscribers) <= subscribers

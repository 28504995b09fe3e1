"""``/free``: results go at once, models between two runs."""

from __future__ import annotations

import threading

import aiohttp
import pytest

from comfy_notebook.diffusion import memory
from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished, steps_prompt
from .test_prompt_api import until
from .test_websocket import ends, receive_until


@pytest.fixture
def unloaded(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """On which thread models were unloaded, and how many prompts ran then."""
    told: list[tuple[str, int]] = []

    def unload() -> None:
        told.append((threading.current_thread().name, len(session.engine.queue.running())))

    monkeypatch.setattr(memory, "unload_all_models", unload)
    return told


async def test_results_are_computed_anew(pair: aiohttp.ClientSession) -> None:
    async with pair.ws_connect("/ws?clientId=me") as socket:
        for body, computed in (({}, 2), ({}, 0), ({"free_memory": True}, 2), ({"unload_models": True}, 2)):
            await pair.post("/free", json=body)
            await pair.post("/prompt", json={"prompt": SAY_SHOW, "client_id": "me"})
            heard = [told for told in await receive_until(socket, ends) if isinstance(told, dict)]
            ran = [told for told in heard if told["type"] == "executing" and told["data"]["node"] is not None]
            assert len(ran) == computed, body


async def test_models_are_unloaded_when_nothing_runs(
    pair: aiohttp.ClientSession, unloaded: list[tuple[str, int]]
) -> None:
    await pair.post("/free", json={"free_memory": True})
    assert unloaded == []
    await pair.post("/free", json={"unload_models": True})
    assert [running for _, running in unloaded] == [0]


async def test_models_are_unloaded_once_between_runs(
    pair: aiohttp.ClientSession, session: Session, unloaded: list[tuple[str, int]]
) -> None:
    ids = []
    for seed in range(2):
        async with pair.post("/prompt", json={"prompt": steps_prompt(40, seed)}) as response:
            ids.append((await response.json())["prompt_id"])
    await until(lambda queue: len(queue["queue_running"]) == 1, pair)
    listeners = len(session.bus._subscribers)
    await pair.post("/free", json={"unload_models": True})
    assert unloaded == []
    for prompt_id in ids:
        assert (await finished(pair, prompt_id))["outputs"]["2"]["text"]
    assert unloaded == [("comfy-notebook-engine", 0)]
    assert len(session.bus._subscribers) == listeners

"""ComfyUI's own routes: prompts, queue, history, object_info."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import aiohttp
import pytest

from .conftest import SAY_SHOW, finished, steps_prompt


async def test_a_prompt_runs_and_its_outputs_are_in_the_history(client: aiohttp.ClientSession) -> None:
    async with client.post("/prompt", json={"prompt": SAY_SHOW}) as response:
        answer = await response.json()
        assert response.status == 200
        assert answer.keys() == {"prompt_id", "number", "node_errors"}
        assert answer["node_errors"] == {}
    item = await finished(client, answer["prompt_id"])
    assert item["outputs"] == {"2": {"text": ["hello"]}}
    assert item["status"]["status_str"] == "success"
    assert item["status"]["completed"] is True
    assert item["prompt"][1] == answer["prompt_id"]


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_every_route_exists_with_and_without_api(client: aiohttp.ClientSession, prefix: str) -> None:
    for path in ("/prompt", "/queue", "/history", "/object_info", "/features", "/system_stats", "/embeddings",
                 "/models", "/extensions", "/settings"):  # fmt: skip
        async with client.get(prefix + path) as response:
            assert response.status == 200, path
            await response.json()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[1]", "invalid_json"),
        (b"\xff\xfe\xff", "invalid_json"),
        (b"[" * 200_000, "invalid_json"),
        (b"{}", "no_prompt"),
        (b'{"prompt": 3}', "invalid_prompt"),
        (b'{"prompt": []}', "invalid_prompt"),
        (b'{"prompt": {}, "extra_data": 1}', "invalid_prompt"),
        (b'{"prompt": {}, "client_id": {}}', "invalid_prompt"),
        (b'{"prompt": {}, "number": "x"}', "invalid_prompt"),
        (b'{"prompt": {}, "prompt_id": "../x"}', "invalid_prompt_id"),
        (b'{"prompt": {}}', "prompt_no_outputs"),
        (b'{"prompt": {"1": 5}}', None),
        (b'{"prompt": {"1": {"class_type": "Nope", "inputs": {}}}}', None),
        (b'{"prompt": {"1": {"class_type": "Say", "inputs": 7}}}', None),
        (
            b'{"prompt": {"1": {"class_type": "Show", "inputs": {"text": ["9", 0]}}}}',
            "prompt_outputs_failed_validation",
        ),
        (b'{"prompt": {"1": {"class_type": "Show", "inputs": {}}}}', "prompt_outputs_failed_validation"),
    ],
)
async def test_bad_prompts_are_answered_with_400_and_json(
    client: aiohttp.ClientSession, body: bytes, kind: str | None
) -> None:
    async with client.post("/prompt", data=body) as response:
        answer = await response.json()
        assert response.status == 400, answer
    assert answer["error"]["message"]
    assert isinstance(answer["node_errors"], dict)
    if kind:
        assert answer["error"]["type"] == kind


async def test_queue_delete_clear_and_interrupt(pair: aiohttp.ClientSession) -> None:
    ids = []
    for seed in range(4):
        async with pair.post("/prompt", json={"prompt": steps_prompt(500, seed)}) as response:
            ids.append((await response.json())["prompt_id"])
    await until(lambda queue: len(queue["queue_running"]) == 1, pair)
    async with pair.post("/queue", json={"delete": [ids[1]]}) as response:
        assert response.status == 200
    queue = await (await pair.get("/queue")).json()
    assert [item[1] for item in queue["queue_running"]] == ids[:1]
    assert sorted(item[1] for item in queue["queue_pending"]) == sorted(ids[2:])
    assert (await (await pair.get("/prompt")).json()) == {"exec_info": {"queue_remaining": 3}}
    await pair.post("/queue", json={"clear": True})
    started = time.monotonic()
    await pair.post("/interrupt", json={"prompt_id": ids[0]})
    item = await finished(pair, ids[0])
    assert time.monotonic() - started < 2
    assert item["status"]["status_str"] == "error"
    assert "execution_interrupted" in [message[0] for message in item["status"]["messages"]]


async def until(condition: Any, http: aiohttp.ClientSession) -> None:
    for _ in range(500):
        if condition(await (await http.get("/queue")).json()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the queue did not get there")


async def test_history_pages_deletes_and_clears(pair: aiohttp.ClientSession) -> None:
    ids = [str(uuid.uuid4()) for _ in range(4)]
    for number, prompt_id in enumerate(ids):
        prompt = {**SAY_SHOW, "1": {"class_type": "Say", "inputs": {"text": str(number)}}}
        async with pair.post("/prompt", json={"prompt": prompt, "prompt_id": prompt_id}) as response:
            assert (await response.json())["prompt_id"] == prompt_id
    await finished(pair, ids[-1])

    async def names(query: str) -> list[str]:
        return list(await (await pair.get(f"/history{query}")).json())

    assert await names("") == ids
    assert await names("?max_items=2") == ids[2:]
    assert await names("?max_items=2&offset=1") == ids[1:3]
    assert (await pair.get("/history?max_items=x")).status == 400
    await pair.post("/history", json={"delete": ids[:1]})
    assert await names("") == ids[1:]
    await pair.post("/history", json={"clear": True})
    assert await names("") == []


async def test_object_info_of_all_one_and_none(client: aiohttp.ClientSession) -> None:
    every = await (await client.get("/object_info")).json()
    one = await (await client.get("/object_info/Say")).json()
    assert one == {"Say": every["Say"]}
    assert one["Say"]["input"]["required"]["text"] == ["STRING", {"default": "a"}]
    assert one["Say"]["output"] == ["STRING"]
    assert await (await client.get("/object_info/Nope")).json() == {}
    assert (await client.get("/nowhere")).status == 404
    assert "error" in await (await client.get("/nowhere")).json()


async def test_partial_targets_run_only_those(pair: aiohttp.ClientSession) -> None:
    prompt = {**SAY_SHOW, "3": {"class_type": "Show", "inputs": {"text": ["1", 0]}}}
    body = {"prompt": prompt, "partial_execution_targets": ["3"]}
    answer = await (await pair.post("/prompt", json=body)).json()
    item = await finished(pair, answer["prompt_id"])
    assert list(item["outputs"]) == ["3"]

"""``/jobs``: one list of what waits, runs and is over."""

from __future__ import annotations

import uuid
from typing import Any

import aiohttp
import pytest

from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished, steps_prompt
from .test_prompt_api import until


async def submit(http: aiohttp.ClientSession, prompt: dict[str, Any], workflow_id: str | None = None) -> str:
    extra = {"extra_pnginfo": {"workflow": {"id": workflow_id, "nodes": []}}} if workflow_id else {}
    async with http.post("/prompt", json={"prompt": prompt, "extra_data": extra}) as response:
        return str((await response.json())["prompt_id"])


async def jobs(http: aiohttp.ClientSession, query: str = "") -> dict[str, Any]:
    async with http.get(f"/api/jobs{query}") as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


def image_prompt() -> dict[str, Any]:
    image = {"class_type": "EmptyImage", "inputs": {"width": 4, "height": 4, "batch_size": 2, "color": 0}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "job"}}
    return {"1": image, "2": save, "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}


async def test_every_state_of_a_job(pair: aiohttp.ClientSession) -> None:
    done = await submit(pair, image_prompt(), "the-workflow")
    await finished(pair, done)
    failed = await submit(pair, steps_prompt(-1))
    await finished(pair, failed)
    running = await submit(pair, steps_prompt(2000))
    waiting = await submit(pair, steps_prompt(2000, 1))
    await until(lambda queue: len(queue["queue_running"]) == 1, pair)
    listed = {job["id"]: job for job in (await jobs(pair))["jobs"]}
    states = {done: "completed", failed: "failed", running: "in_progress", waiting: "pending"}
    assert {job_id: job["status"] for job_id, job in listed.items()} == states
    assert listed[done]["workflow_id"] == "the-workflow"
    assert listed[done]["outputs_count"] == 4
    preview = listed[done]["preview_output"]
    assert preview == {
        "filename": "job_00001_.png", "subfolder": "", "type": "output", "nodeId": "2", "mediaType": "images"
    }  # fmt: skip
    assert listed[done]["create_time"] <= listed[done]["execution_start_time"] <= listed[done]["execution_end_time"]
    assert listed[failed]["execution_error"]["exception_message"].strip() == "there is no negative work"
    assert "execution_start_time" not in listed[waiting]
    detail = await (await pair.get(f"/api/jobs/{done}")).json()
    assert detail["workflow"]["prompt"]["1"]["class_type"] == "EmptyImage"
    assert detail["execution_status"]["status_str"] == "success"
    assert len(detail["outputs"]["2"]["images"]) == 2
    assert (await (await pair.get(f"/api/jobs/{waiting}")).json())["workflow"]["prompt"]["1"]["inputs"]["seed"] == 1
    for job_id in (waiting, running):
        assert await (await pair.post(f"/api/jobs/{job_id}/cancel")).json() == {"cancelled": True}
    assert (await (await pair.get(f"/api/jobs/{waiting}")).json())["status"] == "cancelled"
    await finished(pair, running)
    assert (await (await pair.get(f"/api/jobs/{running}")).json())["status"] == "cancelled"
    assert await (await pair.post(f"/api/jobs/{done}/cancel")).json() == {"cancelled": False}


async def test_cancelled_while_waiting(pair: aiohttp.ClientSession) -> None:
    running = await submit(pair, steps_prompt(2000))
    await until(lambda queue: len(queue["queue_running"]) == 1, pair)
    waiting = [await submit(pair, steps_prompt(2000, seed), "w") for seed in range(1, 5)]
    await pair.post("/interrupt", json={"prompt_id": waiting[0]})
    queued = (await (await pair.get("/queue")).json())["queue_pending"]
    assert [item[1] for item in queued] == waiting, "only what runs is interrupted"
    await pair.post(f"/jobs/{waiting[0]}/cancel")
    await pair.post("/jobs/cancel", json={"job_ids": waiting[1:2]})
    await pair.post("/queue", json={"delete": waiting[2:3]})
    await pair.post("/queue", json={"clear": True})
    listed = await jobs(pair, "?status=cancelled&workflow_id=w&sort_order=asc")
    assert [job["id"] for job in listed["jobs"]] == waiting
    assert listed["pagination"]["total"] == 4
    assert all("execution_start_time" not in job for job in listed["jobs"])
    assert await (await pair.get("/history")).json() == {}
    await pair.post("/history", json={"delete": waiting[:1]})
    await pair.post("/jobs/cancel", json={"job_ids": [running]})
    await finished(pair, running)
    everything = (await jobs(pair))["jobs"]
    assert {job["id"]: job["status"] for job in everything} == dict.fromkeys([running, *waiting[1:]], "cancelled")
    await pair.post("/history", json={"clear": True})
    assert (await jobs(pair))["jobs"] == []


async def test_filters_order_and_pages(pair: aiohttp.ClientSession) -> None:
    ids = []
    for number in range(5):
        prompt = {**SAY_SHOW, "1": {"class_type": "Say", "inputs": {"text": str(number)}}}
        ids.append(await submit(pair, prompt, f"w{number % 2}"))
    await finished(pair, ids[-1])
    oldest = await jobs(pair, "?sort_order=asc")
    assert {job["id"] for job in oldest["jobs"]} == set(ids)
    times = [job["create_time"] for job in oldest["jobs"]]
    assert times == sorted(times)
    page = await jobs(pair, "?sort_order=asc&limit=2&offset=2")
    assert page["jobs"] == oldest["jobs"][2:4]
    assert page["pagination"] == {"offset": 2, "limit": 2, "total": 5, "has_more": True}
    assert (await jobs(pair, "?offset=3"))["pagination"]["has_more"] is False
    assert len((await jobs(pair, "?workflow_id=w1"))["jobs"]) == 2
    assert len((await jobs(pair, "?status=completed,failed"))["jobs"]) == 5
    assert (await jobs(pair, "?status=pending"))["jobs"] == []
    durations = [
        job["execution_end_time"] - job["execution_start_time"]
        for job in (await jobs(pair, "?sort_by=execution_duration"))["jobs"]
    ]
    assert durations == sorted(durations, reverse=True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/jobs?status=done", None, 400),
        ("GET", "/jobs?sort_by=size", None, 400),
        ("GET", "/jobs?sort_order=up", None, 400),
        ("GET", "/jobs?limit=-1", None, 400),
        ("GET", "/jobs?offset=x", None, 400),
        ("GET", "/jobs?limit=99999999999999999999", None, 400),
        ("GET", "/jobs/nobody", None, 404),
        ("POST", "/jobs/nobody/cancel", None, 404),
        ("POST", "/jobs/cancel", [], 400),
        ("POST", "/jobs/cancel", {"job_ids": "all"}, 400),
        ("POST", "/jobs/cancel", {"job_ids": [1]}, 400),
        ("POST", "/jobs/cancel", {"job_ids": [str(uuid.uuid4())]}, 200),
    ],
)
async def test_wrong_questions(pair: aiohttp.ClientSession, method: str, path: str, body: Any, status: int) -> None:
    async with pair.request(method, path, json=body) as response:
        assert response.status == status
        if status == 200:
            assert await response.json() == {"cancelled": False}


async def test_several_are_cancelled_at_once(pair: aiohttp.ClientSession, session: Session) -> None:
    ids = [await submit(pair, steps_prompt(2000, seed)) for seed in range(3)]
    await until(lambda queue: len(queue["queue_running"]) == 1, pair)
    assert await (await pair.post("/jobs/cancel", json={"job_ids": ids})).json() == {"cancelled": True}
    session.engine.wait(ids[0], 10)
    assert session.engine.queue.remaining() == 0

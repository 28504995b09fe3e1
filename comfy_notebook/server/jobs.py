"""``/jobs``: queue and history as one list of jobs, newest first, with one form for what waits, runs and is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from ..engine.history import without_secrets
from ..engine.run_services import QueueItem
from .catalogue import in_thread
from .errors import BadRequest, json_object
from .json_text import dumps
from .services import Services, services

routes = web.RouteTableDef()

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = "pending", "in_progress", "completed", "failed", "cancelled"
STATES = (PENDING, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDINGS = ("execution_success", "execution_error", "execution_interrupted")
#: Entries of a node's ``ui`` that hold files, and what kind of medium they are.
MEDIA = {"images": "images", "gifs": "video", "video": "video", "videos": "video", "audio": "audio", "3d": "3d"}

Job = dict[str, Any]


@routes.get("/jobs")
async def list_jobs(request: web.Request) -> web.Response:
    query = request.query
    states = [state.strip() for state in query.get("status", "").split(",") if state.strip()]
    if wrong := [state for state in states if state not in STATES]:
        raise BadRequest(f"status {wrong[0]!r} is none of {', '.join(STATES)}.", "bad_query")
    key = _choice(query, "sort_by", ("created_at", "execution_duration"))
    order = _choice(query, "sort_order", ("desc", "asc"))
    limit, offset = whole_number(query, "limit"), whole_number(query, "offset") or 0
    found = await in_thread(all_jobs, services(request))
    wanted = query.get("workflow_id")
    found = [
        job for job in found if (not states or job["status"] in states) and wanted in (None, job.get("workflow_id"))
    ]
    sorted_by = {"created_at": lambda job: job["create_time"] or 0, "execution_duration": _duration}[key]
    found.sort(key=sorted_by)
    if order == "desc":
        found.reverse()
    page = found[offset:] if limit is None else found[offset : offset + limit]
    more = offset + len(page) < len(found)
    pagination = {"offset": offset, "limit": limit, "total": len(found), "has_more": more}
    return web.json_response({"jobs": page, "pagination": pagination}, dumps=dumps)


def _choice(query: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    value = query.get(key, choices[0])
    if value not in choices:
        raise BadRequest(f"{key} {value[:80]!r} is none of {', '.join(choices)}.", "bad_query")
    return value


def whole_number(query: Mapping[str, str], key: str) -> int | None:
    """A number ≥ 0 of the query; None without one. Raises :class:`BadRequest` for anything else."""
    text = query.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadRequest(f"{key} must be a whole number, 0 or more.", "bad_query")
    return int(text)


@routes.get("/jobs/{job_id}")
async def get_job(request: web.Request) -> web.Response:
    job = find_job(services(request), request.match_info["job_id"])
    if job is None:
        raise BadRequest(f"There is no job {request.match_info['job_id'][:80]!r}.", "not_found", 404)
    return web.json_response(job, dumps=dumps)


@routes.post("/jobs/{job_id}/cancel")
async def cancel_job(request: web.Request) -> web.Response:
    job_id = request.match_info["job_id"]
    parts = services(request)
    cancelled = parts.engine.interrupt(job_id)
    if not cancelled and find_job(parts, job_id) is None:
        raise BadRequest(f"There is no job {job_id[:80]!r}.", "not_found", 404)
    return web.json_response({"cancelled": cancelled})


@routes.post("/jobs/cancel")
async def cancel_jobs(request: web.Request) -> web.Response:
    ids = (await json_object(request)).get("job_ids")
    if not isinstance(ids, list) or not all(isinstance(job_id, str) for job_id in ids):
        raise BadRequest("The body must be {job_ids: [id, …]}.")
    results = [services(request).engine.interrupt(job_id) for job_id in ids]
    return web.json_response({"cancelled": any(results)})


def all_jobs(parts: Services) -> list[Job]:
    """Every job, the oldest first: what is over, then what runs and waits.

    Read against the way a job takes, so that one that moves on meanwhile is told of once, as what it became.
    """
    queue, history = parts.engine.queue, parts.engine.history
    waiting = {item.prompt_id: _queued(item, PENDING) for item in queue.pending()}
    running = {item.prompt_id: _queued(item, RUNNING) for item in queue.running()}
    ended = {job["id"]: job for job in map(_ended, (*history.dropped().values(), *history.all().values()))}
    return list({**ended, **running, **waiting, **running, **ended}.values())


def find_job(parts: Services, job_id: str) -> Job | None:
    """One job with its workflow and, once it is over, its outputs."""
    queue, history = parts.engine.queue, parts.engine.history
    waiting = [(item, PENDING) for item in queue.pending()]
    running = [(item, RUNNING) for item in queue.running()]
    queued = next((one for one in (*running, *waiting) if one[0].prompt_id == job_id), None)
    entry = history.get(job_id) or history.dropped().get(job_id)
    if entry is None and queued is not None:
        item, state = queued
        workflow = {"prompt": item.prompt, "extra_data": without_secrets(item.extra_data)}
        return {**_queued(item, state), "workflow": workflow}
    if entry is None:
        return None
    workflow = {"prompt": entry["prompt"][2], "extra_data": entry["prompt"][3]}
    outputs = {"outputs": entry["outputs"], "execution_status": entry["status"]}
    return {**_ended(entry), "workflow": workflow, **outputs}


def _queued(item: QueueItem, state: str) -> Job:
    return _described(item.prompt_id, state, item.number, item.extra_data)


def _described(job_id: str, state: str, number: float, extra: Mapping[str, Any]) -> Job:
    job = {"id": job_id, "status": state, "priority": number, "create_time": extra.get("create_time")}
    job["outputs_count"] = 0
    pnginfo = extra.get("extra_pnginfo")
    workflow = pnginfo.get("workflow") if isinstance(pnginfo, Mapping) else None
    if isinstance(workflow, Mapping) and workflow.get("id"):
        job["workflow_id"] = workflow["id"]
    return job


def _ended(entry: Mapping[str, Any]) -> Job:
    number, job_id, _, extra, *_ = entry["prompt"]
    messages = dict(entry["status"]["messages"])
    state = COMPLETED if entry["status"]["status_str"] == "success" else FAILED
    job = _described(job_id, CANCELLED if "execution_interrupted" in messages else state, number, extra)
    if "execution_start" in messages:
        job["execution_start_time"] = messages["execution_start"]["timestamp"]
    if (end := next((name for name in ENDINGS if name in messages), None)) is not None:
        job["execution_end_time"] = messages[end]["timestamp"]
    if "execution_error" in messages:
        job["execution_error"] = messages["execution_error"]
    files = list(_files(entry["outputs"]))
    job["outputs_count"] = len(files)
    if files:
        job["preview_output"] = next((file for file in files if file["type"] == "output"), files[0])
    return job


def _files(outputs: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for node_id, ui in outputs.items():
        for key, medium in MEDIA.items():
            entries = ui.get(key)
            for entry in entries if isinstance(entries, Iterable) else ():
                if isinstance(entry, Mapping) and "filename" in entry:
                    place = {name: entry.get(name, "") for name in ("filename", "subfolder")}
                    yield {**place, "type": entry.get("type", "output"), "nodeId": node_id, "mediaType": medium}


def _duration(job: Job) -> float:
    """Milliseconds; 0 for what has not ended or never ran."""
    if "execution_start_time" not in job or "execution_end_time" not in job:
        return 0
    return float(job["execution_end_time"] - job["execution_start_time"])

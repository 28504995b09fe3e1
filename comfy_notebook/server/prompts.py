"""The queue over HTTP: submit, look, cancel, and read the history."""

from __future__ import annotations

import logging
import math
import uuid
from typing import Any

from aiohttp import web

from ..engine import PromptRejected
from ..engine.history import without_secrets
from ..engine.run_services import QueueItem
from .catalogue import in_thread
from .errors import BadRequest, json_error, json_object
from .freeing import between_runs, unload_models
from .json_text import dumps
from .services import services
from .websocket import status

routes = web.RouteTableDef()
log = logging.getLogger(__name__)


@routes.get("/prompt")
async def get_prompt(request: web.Request) -> web.Response:
    return web.json_response(status(services(request)))


@routes.post("/prompt")
async def post_prompt(request: web.Request) -> web.Response:
    body = await json_object(request)
    if "prompt" not in body:
        return json_error(400, "no_prompt", "No prompt provided", "No prompt provided")
    options = submit_options(body)
    engine = services(request).engine
    if engine.history.get(options.get("prompt_id", "")) is not None:
        raise _taken(options["prompt_id"])
    editor = services(request).editors.get(options["client_id"] or "")
    if editor is not None:  # what the packs of an open editor queue counts as the editor's run
        del options["client_id"]
        return await answer_submission(lambda: editor.submit(body["prompt"], editor.document, **options))
    return await answer_submission(lambda: engine.submit(body["prompt"], **options))


def _taken(prompt_id: str) -> BadRequest:
    return BadRequest(f"There is a prompt with the id {prompt_id!r} already.", "invalid_prompt_id", 409)


async def answer_submission(submit: Any) -> web.Response:
    """Submit beside the loop (validation runs nodes' code) and answer as ``POST /prompt`` does."""
    try:
        submission = await in_thread(submit)
    except PromptRejected as exc:
        log.info("refused a prompt: %s", exc)
        status = 409 if exc.error.get("type") == "invalid_prompt_id" else 400
        return web.json_response({"error": exc.error, "node_errors": exc.node_errors}, status=status, dumps=dumps)
    log.info("got prompt %s", submission.prompt_id)
    return web.json_response(
        {"prompt_id": submission.prompt_id, "number": submission.number, "node_errors": submission.node_errors},
        dumps=dumps,
    )


def submit_options(body: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of ``Engine.submit`` from the body of a request, checked."""
    if not isinstance(body["prompt"], dict):
        raise BadRequest("prompt must be an object {node id: {class_type, inputs}}.", "invalid_prompt")
    extra = dict(_typed(body, "extra_data", dict) or {})
    client_id = body.get("client_id")
    if isinstance(client_id, int) and not isinstance(client_id, bool):
        client_id = str(client_id)  # as it stands in the address of that client's websocket
    elif client_id is not None and not isinstance(client_id, str):
        raise BadRequest("client_id must be a text.", "invalid_prompt")
    options: dict[str, Any] = {"client_id": client_id, "extra_data": extra, "front": bool(body.get("front"))}
    if (prompt_id := _typed(body, "prompt_id", str)) is not None:
        options["prompt_id"] = _uuid(prompt_id)
    if body.get("number") is not None:
        options["number"] = _place_in_queue(body["number"])
    if (targets := _typed(body, "partial_execution_targets", list)) is not None:
        options["targets"] = [str(target) for target in targets]
    return options


def _typed(body: dict[str, Any], key: str, kind: type) -> Any:
    value = body.get(key)
    if value is not None and not isinstance(value, kind):
        raise BadRequest(f"{key} must be of type {kind.__name__}.", "invalid_prompt")
    return value


def _uuid(prompt_id: str) -> str:
    """``prompt_id`` where it is a UUID as UUIDs are written; every answer names the prompt just so."""
    try:
        is_canonical = str(uuid.UUID(prompt_id)) == prompt_id.lower()
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise BadRequest(f"prompt_id {prompt_id[:80]!r} is not a UUID.", "invalid_prompt_id")
    return prompt_id


def _place_in_queue(number: Any) -> float:
    try:
        place = math.nan if isinstance(number, bool) else float(number)
    except (ValueError, TypeError, OverflowError):
        place = math.nan
    if not math.isfinite(place):
        raise BadRequest("number must be a finite number.", "invalid_prompt")
    return place


@routes.get("/queue")
async def get_queue(request: web.Request) -> web.Response:
    queue = services(request).engine.queue
    found = {"queue_running": _shown(queue.running()), "queue_pending": _shown(queue.pending())}
    return web.json_response(found, dumps=dumps)


def _shown(items: list[QueueItem]) -> list[QueueItem]:
    return [item._replace(extra_data=without_secrets(item.extra_data)) for item in items]


@routes.post("/queue")
async def post_queue(request: web.Request) -> web.Response:
    queue = services(request).engine.queue
    body = await json_object(request)
    if body.get("clear"):
        queue.clear()
    if body.get("delete"):
        queue.remove(_ids(body["delete"]))
    return web.Response()


@routes.post("/interrupt")
async def interrupt(request: web.Request) -> web.Response:
    """Stop what runs; with a ``prompt_id`` only where that is what runs (what waits is left to ``POST /queue``)."""
    engine = services(request).engine
    prompt_id = _typed(await json_object(request, empty_ok=True), "prompt_id", str)
    if prompt_id is None or any(item.prompt_id == prompt_id for item in engine.queue.running()):
        engine.interrupt(prompt_id)
    return web.Response()


@routes.get("/history")
async def get_history(request: web.Request) -> web.Response:
    items = services(request).engine.history.all()
    limit, offset = _number(request, "max_items"), _number(request, "offset")
    names = list(items)
    if offset is not None and offset >= 0:
        names = names[offset:][: limit if limit is not None else None]
    elif limit is not None:
        names = names[-limit:] if limit > 0 else []
    return web.json_response({name: items[name] for name in names}, dumps=dumps)


@routes.get("/history/{prompt_id}")
async def get_history_of(request: web.Request) -> web.Response:
    prompt_id = request.match_info["prompt_id"]
    item = services(request).engine.history.get(prompt_id)
    return web.json_response({} if item is None else {prompt_id: item}, dumps=dumps)


@routes.post("/history")
async def post_history(request: web.Request) -> web.Response:
    history = services(request).engine.history
    body = await json_object(request)
    if body.get("clear"):
        history.clear()
    if body.get("delete"):
        history.remove(_ids(body["delete"]))
    return web.Response()


@routes.post("/free")
async def free(request: web.Request) -> web.Response:
    """Let results go at once, models once the prompt that runs has ended."""
    body, parts = await json_object(request, empty_ok=True), services(request)
    if body.get("free_memory") or body.get("unload_models"):  # loaded models are results too
        await in_thread(parts.engine.free)
    if body.get("unload_models"):
        await in_thread(between_runs, parts.engine, parts.bus, unload_models)
    return web.Response()


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise BadRequest("delete must be a list of prompt ids.", "bad_request")
    return [str(item) for item in value]


def _number(request: web.Request, key: str) -> int | None:
    text = request.query.get(key)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f"{key} must be a whole number.") from None

"""Errors as JSON: a refusal is a 4xx with ``{"error": {type, message, details, extra_info}, "node_errors": {}}``."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

#: How deep objects and lists of a body may lie in each other. What a client sends comes back in the queue, the history
#: and in files; the interpreter's own limit depends on who calls, so some of these would fail on it later.
MAX_DEPTH = 200


class BadRequest(Exception):  # noqa: N818 - named after the HTTP answer it becomes
    """The request can't be served as it stands; ``message`` tells a person why."""

    def __init__(self, message: str, kind: str = "bad_request", status: int = 400) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


def json_error(status: int, kind: str, message: str, details: str = "") -> web.Response:
    """An error response in the form of the prompt API."""
    error = {"type": kind, "message": message, "details": details, "extra_info": {}}
    return web.json_response({"error": error, "node_errors": {}}, status=status)


async def json_object(request: web.Request, *, empty_ok: bool = False) -> dict[str, Any]:
    """The body as a JSON object; raises :class:`BadRequest` for anything else."""
    text = await body_text(request)
    if empty_ok and not text.strip():
        return {}
    value = parse_json(text)
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", "invalid_json")
    return value


async def body_text(request: web.Request) -> str:
    """The body as UTF-8 text."""
    try:
        return (await whole_body(request)).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest(f"The body is not UTF-8 text: {exc}.", "invalid_json") from exc


async def whole_body(request: web.Request) -> bytes:
    """The body; raises :class:`BadRequest` (413) as soon as it is known to be too long."""
    limit = request.client_max_size
    if (request.content_length or 0) > limit:
        raise BadRequest(f"The body is larger than {limit} bytes.", "too_large", 413)
    return await request.read()


def parse_json(text: str) -> Any:
    """Parse JSON; raises :class:`BadRequest` naming the place of the mistake, also for absurdly deep nesting."""
    try:
        value = json.loads(text)
    except ValueError as exc:  # no JSON, or a number of thousands of digits
        raise BadRequest(f"The body is not valid JSON: {exc}.", "invalid_json") from exc
    except RecursionError as exc:
        raise BadRequest("The JSON is nested too deeply.", "invalid_json") from exc
    if is_too_deep(value):
        raise BadRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.", "invalid_json")
    return value


def is_too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    """Whether more than ``limit`` objects and lists lie in each other."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        if not level:
            return False
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for children in inner for child in children if isinstance(child, (dict, list))]
    return bool(level)


@web.middleware
async def error_middleware(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn every exception of a route into a JSON answer."""
    try:
        return await handler(request)
    except BadRequest as exc:
        return json_error(exc.status, exc.kind, str(exc))
    except web.HTTPRequestEntityTooLarge as exc:
        return json_error(413, "too_large", str(exc.text or exc.reason))
    except web.RequestPayloadError as exc:
        return json_error(400, "bad_body", f"The body can't be read: {in_one_line(exc)}.")
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        if exc.status == 405 and request.method == "OPTIONS":
            return web.Response(headers={"Allow": exc.headers.get("Allow", "")})
        answer = json_error(exc.status, exc.reason.lower().replace(" ", "_"), f"{exc.reason}: {request.path}")
        if "Allow" in exc.headers:
            answer.headers["Allow"] = exc.headers["Allow"]
        return answer
    except (ConnectionError, TimeoutError):
        if request.transport is None:  # nobody is there to read an answer, and nothing went wrong here
            return web.Response(status=400)
        raise
    except Exception as exc:
        log.exception("%s %s failed", request.method, request.path)
        return json_error(500, "internal_error", f"{type(exc).__name__}: {exc}")


def in_one_line(error: Exception) -> str:
    """What ``error`` says, without line breaks."""
    return " ".join(str(error).split())

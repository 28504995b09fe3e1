"""Errors as JSON: a refusal is a 4xx with ``{"error": {type, message, details, extra_info}, "node_errors": {}}``."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)


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
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest(f"The body is not UTF-8 text: {exc}.", "invalid_json") from exc


def parse_json(text: str) -> Any:
    """Parse JSON; raises :class:`BadRequest` naming the place of the mistake, also for absurdly deep nesting."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        raise BadRequest(f"The body is not valid JSON: {exc}.", "invalid_json") from exc
    except RecursionError as exc:
        raise BadRequest("The JSON is nested too deeply.", "invalid_json") from exc


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
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        return json_error(exc.status, exc.reason.lower().replace(" ", "_"), f"{exc.reason}: {request.path}")
    except (ConnectionError, TimeoutError):
        raise
    except Exception as exc:
        log.exception("%s %s failed", request.method, request.path)
        return json_error(500, "internal_error", f"{type(exc).__name__}: {exc}")

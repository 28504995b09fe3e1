"""Who may talk to the server over TCP: a page of another site may not, and a wide address asks for a token.

The notebook's own comm reaches the application through a socket pair. Those connections are trusted: nobody else can
open one. Everything below concerns TCP alone.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from aiohttp import web

from .errors import json_error

CORS_HEADERS = {
    "Access-Control-Allow-Methods": "POST, GET, DELETE, PUT, OPTIONS, PATCH",
    "Access-Control-Allow-Headers": "Content-Type, Authorization, Comfy-User",
}
COMPRESSED = ("application/json", "text/plain")
TOKEN_COOKIE = "comfy_notebook_token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Gate:
    """The rules of one running server. ``token`` is None while only loopback addresses are bound."""

    trusted: WeakSet[Any] = field(default_factory=WeakSet)
    token: str | None = None
    allowed_origin: str | None = None
    """Pages of this origin may use the API; ``"*"``: of any."""
    compress: bool = False
    """Whether texts are sent compressed to TCP clients that accept it."""

    def refusal(self, request: web.Request) -> str | None:
        """Why ``request`` is refused, or None when it may pass."""
        if request.transport in self.trusted:
            return None
        if self.token is None and not is_loopback_name(host_name(request.host)):
            return f"The host name {request.host!r} is not this machine's loopback name."
        origin = request.headers.get("Origin")
        if self.allows(origin):
            return None
        if origin and origin != "null" and network_place(origin) != request.host.lower():
            return f"Requests of pages from {origin} are refused."
        if origin == "null" or request.headers.get("Sec-Fetch-Site", "none") == "cross-site":
            return "Requests of pages from other sites are refused."
        return None

    def allows(self, origin: str | None) -> bool:
        """Whether pages of ``origin`` were let in by name."""
        return origin is not None and self.allowed_origin in ("*", origin)

    def needs_token(self, request: web.Request) -> bool:
        """Whether ``request`` came over TCP to a wide address without the right token."""
        if self.token is None or request.transport in self.trusted:
            return False
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        offered = bearer or request.query.get("token") or request.cookies.get(TOKEN_COOKIE) or ""
        return not secrets.compare_digest(offered.encode("utf-8", "surrogateescape"), self.token.encode())


async def name_allowed_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the browser that the page that asks may read the answer, errors and websockets included."""
    origin, gate = request.headers.get("Origin"), request.config_dict[GATE]
    if request.transport in gate.trusted:
        return
    if gate.allowed_origin is not None and (origin is None or gate.allows(origin)):
        response.headers.update(CORS_HEADERS)
        response.headers["Access-Control-Allow-Origin"] = origin or gate.allowed_origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"


GATE: web.AppKey[Gate] = web.AppKey("gate", Gate)


def host_name(host: str) -> str:
    """The name part of a ``Host`` header: ``"[::1]:8188"`` → ``"::1"``; empty for what is no such header."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def network_place(origin: str) -> str:
    """Host and port of an ``Origin`` header; empty for what is no such header."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def is_loopback_name(name: str) -> bool:
    """Whether ``name`` is ``localhost`` or a loopback address."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@web.middleware
async def gate_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what the gate refuses; remember a token given in the address as a cookie, so that images load."""
    gate = request.config_dict[GATE]
    reason = gate.refusal(request)
    if reason is not None:
        return json_error(403, "forbidden_origin", reason)
    if request.method == "OPTIONS" and gate.allows(request.headers.get("Origin")):
        return web.Response()  # asked before the request itself, without its token
    if gate.needs_token(request):
        return json_error(401, "token_required", "This server asks for a token: add ?token=… to the address.")
    response = await handler(request)
    if gate.compress and isinstance(response, web.Response) and response.content_type in COMPRESSED:
        response.enable_compression()
    if gate.token is not None and "token" in request.query and not response.prepared:
        response.set_cookie(TOKEN_COOKIE, gate.token, httponly=True, samesite="Strict", secure=request.secure)
    return response

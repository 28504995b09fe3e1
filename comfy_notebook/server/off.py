"""Services of the reference that this server does not offer: each says so in the documented form."""

from __future__ import annotations

from aiohttp import web

routes = web.RouteTableDef()


def disabled(message: str) -> web.Response:
    """503 with ``{"error": {"code": "SERVICE_DISABLED", message, details}}``."""
    error = {"code": "SERVICE_DISABLED", "message": message, "details": {}}
    return web.json_response({"error": error}, status=503)


@routes.route("*", "/assets")
@routes.route("*", "/assets/{path:.*}")
@routes.route("*", "/tags")
@routes.route("*", "/tags/{path:.*}")
async def assets(request: web.Request) -> web.Response:
    return disabled("Assets are not enabled on this server.")


@routes.route("*", "/credentials")
@routes.route("*", "/credentials/{path:.*}")
@routes.route("*", "/auth/{path:.*}")
@routes.route("*", "/customers")
@routes.route("*", "/customers/{path:.*}")
async def accounts(request: web.Request) -> web.Response:
    return disabled("Accounts are not enabled on this server.")

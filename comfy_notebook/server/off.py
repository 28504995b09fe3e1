"""Services of the reference that this server does not offer: each says so in the documented form."""

from __future__ import annotations

from aiohttp import web

routes = web.RouteTableDef()

MESSAGE = "Assets are not enabled on this server."


@routes.route("*", "/assets")
@routes.route("*", "/assets/{path:.*}")
@routes.route("*", "/tags")
@routes.route("*", "/tags/{path:.*}")
async def disabled(request: web.Request) -> web.Response:
    return web.json_response({"error": {"code": "SERVICE_DISABLED", "message": MESSAGE, "details": {}}}, status=503)

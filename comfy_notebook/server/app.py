"""The application: every route, with and without the prefix ``/api``."""

from __future__ import annotations

from aiohttp import web

from . import (
    catalogue,
    editor_routes,
    extension_sources,
    file_metadata,
    icons,
    internal,
    jobs,
    logs,
    models,
    off,
    packs,
    prompts,
    sockets,
    statics,
    uploads,
    userdata,
    view,
    websocket,
)
from .errors import error_middleware
from .pack_routes import pack_middleware
from .security import gate_middleware, name_allowed_origin
from .services import SERVICES, Services

ROUTES = (
    prompts,
    jobs,
    catalogue,
    models,
    packs,
    statics,
    extension_sources,
    file_metadata,
    view,
    uploads,
    userdata,
    websocket,
    sockets,
    editor_routes,
    icons,
    internal,
    logs,
    off,
)


def build_app(parts: Services) -> web.Application:
    """ComfyUI's API and the editor's routes over the parts of one session."""
    app = web.Application(
        middlewares=[error_middleware, gate_middleware, pack_middleware],
        client_max_size=parts.max_upload_size,
    )
    app[SERVICES] = parts
    app[sockets.OPEN] = {}
    app.on_response_prepare.append(name_allowed_origin)
    for module in ROUTES:
        for route in module.routes:
            assert isinstance(route, web.RouteDef)
            for prefix in ("", "/api"):  # each for HEAD too where it is for GET
                web.RouteDef(route.method, prefix + route.path, route.handler, route.kwargs).register(app.router)
    return app

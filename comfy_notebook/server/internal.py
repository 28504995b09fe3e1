"""``/internal``: what the front end of the reference asks beside the API."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from .catalogue import in_thread
from .errors import BadRequest
from .services import services

routes = web.RouteTableDef()


@routes.get("/internal/folder_paths")
async def folder_paths(request: web.Request) -> web.Response:
    models = services(request).models
    return web.json_response({kind: [str(root) for root in models.roots(kind)] for kind in models.kinds()})


@routes.get("/internal/files/{type}")
async def files(request: web.Request) -> web.Response:
    try:
        folder = services(request).folders.by_type(request.match_info["type"])
    except KeyError:
        raise BadRequest("There are files of the types input, output and temp.", "bad_type") from None
    return web.json_response(await in_thread(_newest_first, folder))


def _newest_first(folder: Path) -> list[str]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return [entry.name for entry in sorted(entries, key=lambda entry: -entry.stat().st_mtime)]

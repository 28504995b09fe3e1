"""Icons that packs name by class (``pi pi-star``, ``mdi mdi-robot``): fonts and style rules, asked for when shown."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from .errors import BadRequest

routes = web.RouteTableDef()

FOLDER = Path(__file__).parent.parent / "static" / "icons"
TYPES = {
    "pi.css": "text/css",
    "pi.woff2": "font/woff2",
    "mdi.css": "text/css",
    "mdi.woff2": "font/woff2",
}


@routes.get("/cn/icons/{name}")
async def get_icons(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in TYPES or not (FOLDER / name).is_file():
        raise BadRequest(f"There is no icon file {name[:80]!r}.", "not_found", 404)
    headers = {"Content-Type": TYPES[name], "Cache-Control": "public, max-age=86400"}
    return web.FileResponse(FOLDER / name, headers=headers)

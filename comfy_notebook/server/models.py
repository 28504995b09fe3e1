"""Model files: lists by kind, the metadata in their headers, and the pictures that lie beside them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from .catalogue import in_thread
from .errors import BadRequest
from .json_text import dumps
from .paths import below
from .services import Services, services

routes = web.RouteTableDef()

#: A header longer than this is no header.
MAX_HEADER = 100 * 1024 * 1024
PREVIEW_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".preview.png", ".preview.jpg", ".preview.webp")
#: Kinds of files that are no models, which a browser of models leaves out.
NO_MODELS = ("configs", "custom_nodes")


@routes.get("/embeddings")
async def embeddings(request: web.Request) -> web.Response:
    names = await in_thread(services(request).models.files, "embeddings")
    return web.json_response([os.path.splitext(name)[0] for name in names])


@routes.get("/models")
async def models(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(services(request).models.kinds))


@routes.get("/models/{folder}")
async def models_in(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(services(request).models.files, _kind(request)))


def _kind(request: web.Request) -> str:
    parts, kind = services(request), request.match_info["folder"]
    if kind not in parts.models.kinds():
        raise BadRequest(f"There is no model folder {kind[:80]!r}.", "not_found", 404)
    return kind


@routes.get("/experiment/models")
async def model_kinds(request: web.Request) -> web.Response:
    folders = services(request).models
    kinds = [kind for kind in folders.kinds() if kind not in NO_MODELS]
    return web.json_response([{"name": kind, "folders": [str(root) for root in folders.roots(kind)]} for kind in kinds])


@routes.get("/experiment/models/{folder}")
async def model_list(request: web.Request) -> web.Response:
    parts, kind = services(request), _kind(request)
    return web.json_response(await in_thread(_described_files, parts, kind))


def _described_files(parts: Services, kind: str) -> list[dict[str, Any]]:
    roots = parts.models.roots(kind)
    found = []
    for root, path in parts.models.found(kind):
        stat = path.stat()
        entry = {"name": path.relative_to(root).as_posix(), "pathIndex": roots.index(root)}
        found.append({**entry, "modified": stat.st_mtime, "created": stat.st_ctime, "size": stat.st_size})
    return sorted(found, key=lambda entry: (entry["pathIndex"], entry["name"]))


@routes.get("/experiment/models/preview/{folder}/{index}/{file:.+}")
async def model_preview(request: web.Request) -> web.Response:
    parts, kind, index = services(request), _kind(request), request.match_info["index"]
    roots = parts.models.roots(kind)
    if not index.isdecimal() or len(index) > 6 or int(index) >= len(roots):
        raise BadRequest(f"There is no folder {index[:20]!r} of {kind!r}.", "not_found", 404)
    path = below(roots[int(index)], request.match_info["file"], links=True)
    body = await in_thread(preview_of, path)
    if body is None:
        raise BadRequest(f"{path.name!r} has no preview.", "not_found", 404)
    return web.Response(body=body, content_type="image/webp", headers={"X-Content-Type-Options": "nosniff"})


def preview_of(path: Path) -> bytes | None:
    """A WEBP of the picture beside a model file: ``name.png``, ``name.preview.jpg`` … None without one."""
    from PIL import Image

    for suffix in PREVIEW_SUFFIXES:
        picture = path.with_name(path.stem + suffix)
        if not picture.is_file():
            continue
        try:
            with Image.open(picture) as image:
                buffer = io.BytesIO()
                image.convert("RGBA" if "A" in image.getbands() else "RGB").save(buffer, "WEBP", quality=90)
                return buffer.getvalue()
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
    return None


@routes.get("/view_metadata/{folder}")
async def view_metadata(request: web.Request) -> web.Response:
    name = request.query.get("filename", "")
    if not name.endswith(".safetensors"):
        raise BadRequest("Only .safetensors files carry metadata.", "not_found", 404)
    roots = services(request).models.roots(_kind(request))
    path = next((found for root in roots if (found := below(root, name, links=True)).is_file()), None)
    metadata = await in_thread(safetensors_metadata, path) if path is not None else None
    if metadata is None:
        raise BadRequest(f"{name[:80]!r} has no metadata.", "not_found", 404)
    return web.json_response(metadata, dumps=dumps)


def safetensors_metadata(path: Path) -> Any:
    """The ``__metadata__`` of a safetensors header (8 bytes little-endian length, then JSON); None without any."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= MAX_HEADER:
            return None
        try:
            return json.loads(file.read(length)).get("__metadata__")
        except (ValueError, AttributeError, RecursionError):
            return None

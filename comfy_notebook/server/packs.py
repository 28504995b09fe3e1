"""What packs bring for clients: scripts, templates, translations, subgraphs, and names of replaced nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from ..folders import list_files
from ..packs.files import PackFiles
from .catalogue import in_thread
from .errors import BadRequest
from .json_text import dumps
from .paths import below
from .services import services

routes = web.RouteTableDef()

#: Folders of a pack that may hold example workflows.
TEMPLATE_FOLDERS = ("example_workflows", "example", "examples", "workflow", "workflows")
LOCALE_FILES = ("main", "nodeDefs", "commands", "settings")
SCRIPT_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json"}
#: A pack's scripts run anyway, so its drawings may be what they are: browsers show no picture of an unknown type.
PACK_TYPES = {**SCRIPT_TYPES, ".svg": "image/svg+xml"}


@routes.get("/cn/packs")
async def pack_reports(request: web.Request) -> web.Response:
    reports = list(services(request).packs.reports.values())
    return web.json_response([report.as_json() for report in reports])


@routes.get("/extensions")
async def extensions(request: web.Request) -> web.Response:
    packs = [pack for pack in services(request).packs if pack.web is not None]
    return web.json_response(await in_thread(lambda: [path for pack in packs for path in _scripts(pack)]))


def _scripts(pack: PackFiles) -> list[str]:
    assert pack.web is not None
    return [f"/extensions/{pack.name}/{name}" for name in list_files(pack.web, {".js"}, recursive=True)]


@routes.get("/extensions/{pack}/{path:.+}")
async def extension_file(request: web.Request) -> web.StreamResponse:
    pack = _pack(request)
    if pack.web is None:
        raise BadRequest(f"{pack.name!r} has no files for the front end.", "not_found", 404)
    return send_file([pack.web], request.match_info["path"], PACK_TYPES)


def _pack(request: web.Request) -> PackFiles:
    name = request.match_info["pack"]
    pack = services(request).packs.get(name)
    if pack is None:
        raise BadRequest(f"There is no pack {name[:80]!r}.", "not_found", 404)
    return pack


def send_file(roots: Iterable[Path], name: str, types: Mapping[str, str]) -> web.StreamResponse:
    """The file below the first of ``roots`` that has it; what is no script by its name is never run as one."""
    for root in roots:
        path = below(root, name)
        if path.is_file():
            headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
            kind = types.get(path.suffix.lower())
            headers |= {"Content-Type": f"{kind}; charset=utf-8"} if kind else _quiet_type(path.name)
            return web.FileResponse(path, headers=headers)
    raise BadRequest(f"There is no file {name[:80]!r}.", "not_found", 404)


def _quiet_type(name: str) -> dict[str, str]:
    from .view import safe_type

    return {"Content-Type": safe_type(name)}


@routes.get("/workflow_templates")
async def workflow_templates(request: web.Request) -> web.Response:
    packs = list(services(request).packs)
    found = await in_thread(lambda: {pack.name: _templates(pack) for pack in packs})
    return web.json_response({name: templates for name, templates in found.items() if templates})


def _templates(pack: PackFiles) -> list[str]:
    names = [name for folder in TEMPLATE_FOLDERS for name in list_files(pack.folder / folder, {".json"})]
    return list(dict.fromkeys(name.removesuffix(".json") for name in names))


@routes.get("/workflow_templates/{pack}/{path:.+}")
async def workflow_template(request: web.Request) -> web.StreamResponse:
    folders = [_pack(request).folder / name for name in TEMPLATE_FOLDERS]
    return send_file(folders, request.match_info["path"], {".json": "application/json"})


@routes.get("/i18n")
async def translations(request: web.Request) -> web.Response:
    packs = list(services(request).packs)
    return web.json_response(
        await in_thread(lambda: merged_translations(pack.folder / "locales" for pack in packs)), dumps=dumps
    )


def merged_translations(folders: Iterable[Path]) -> dict[str, Any]:
    """``{language: {…}}``: ``main.json`` as it is, the other files below their name; later folders win."""
    merged: dict[str, Any] = {}
    for folder in folders:
        for language in sorted(item for item in folder.glob("*") if item.is_dir()):
            for name in LOCALE_FILES:
                texts = _json(language / f"{name}.json")
                if isinstance(texts, dict):
                    _merge(merged.setdefault(language.name, {}), texts if name == "main" else {name: texts})
    return merged


def _merge(target: dict[str, Any], texts: Mapping[str, Any]) -> None:
    for key, value in texts.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


@routes.get("/global_subgraphs")
async def global_subgraphs(request: web.Request) -> web.Response:
    packs = list(services(request).packs)
    found = await in_thread(lambda: {name: entry for name, (entry, _) in subgraphs(packs).items()})
    return web.json_response(found)


@routes.get("/global_subgraphs/{id}")
async def global_subgraph(request: web.Request) -> web.Response:
    packs = list(services(request).packs)
    found = (await in_thread(subgraphs, packs)).get(request.match_info["id"])
    if found is None:
        raise BadRequest("There is no such subgraph.", "not_found", 404)
    entry, path = found
    return web.json_response({**entry, "data": await in_thread(path.read_text, "utf-8")})


def subgraphs(packs: Iterable[PackFiles]) -> dict[str, tuple[dict[str, Any], Path]]:
    """Every ``subgraphs/*.json`` of the packs by an id made of where it comes from."""
    found = {}
    for pack in packs:
        for path in sorted((pack.folder / "subgraphs").glob("*.json")):
            name = hashlib.sha256(f"custom_node{path}".encode("utf-8", "surrogatepass")).hexdigest()
            entry = {"source": "custom_node", "name": path.stem, "info": {"node_pack": pack.name}}
            found[name] = entry, path
    return found


@routes.get("/node_replacements")
async def node_replacements(request: web.Request) -> web.Response:
    return web.json_response(services(request).registry.replacements.as_json())

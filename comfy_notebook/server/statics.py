"""Files of the reference's optional packages, where they are installed: workflow templates and the help of nodes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from . import node_info
from .catalogue import in_thread
from .packs import SCRIPT_TYPES, send_file
from .services import services

routes = web.RouteTableDef()

_TEMPLATES = "comfyui_workflow_templates"
TEMPLATE_PACKAGES = (
    *(_TEMPLATES, f"{_TEMPLATES}_json", f"{_TEMPLATES}_media_api", f"{_TEMPLATES}_media_image"),
    *(f"{_TEMPLATES}_media_video", f"{_TEMPLATES}_media_other", f"{_TEMPLATES}_media_assets_01"),
    f"{_TEMPLATES}_media_assets_02",
)
HELP_PACKAGES = ("comfyui_embedded_docs",)
TYPES = {**SCRIPT_TYPES, ".md": "text/markdown"}


@routes.get("/templates/{path:.+}")
async def template(request: web.Request) -> web.StreamResponse:
    name, folders = request.match_info["path"], folders_of(TEMPLATE_PACKAGES, "templates")
    if name == "index.json" and not any((folder / name).is_file() for folder in folders):
        return web.json_response([])
    return send_file(folders, name, TYPES)


@routes.get("/docs/{path:.+}")
async def node_help(request: web.Request) -> web.StreamResponse:
    """``<class type>/<language>.md``: of the installed package, else what the node says of itself, in English."""
    name, folders = request.match_info["path"], folders_of(HELP_PACKAGES, "docs")
    class_type, _, language = name.rpartition("/")
    if language == "en.md" and not any(_has(folder, class_type, language) for folder in folders):
        entry = await in_thread(node_info.entry, services(request).registry, class_type)
        if entry is not None:
            return web.Response(text=described(entry), content_type="text/markdown")
    return send_file(folders, name, TYPES)


def _has(folder: Path, *parts: str) -> bool:
    return ".." not in parts and "\0" not in "".join(parts) and folder.joinpath(*parts).is_file()


def folders_of(packages: Iterable[str], name: str) -> list[Path]:
    """The folders ``name`` of those packages that are installed; none of them is imported."""
    found = []
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is not None:
            found += [Path(place) / name for place in spec.submodule_search_locations or ()]
    return [folder for folder in found if folder.is_dir()]


def described(entry: Mapping[str, Any]) -> str:
    """The help of a node as Markdown, from its ``object_info`` entry."""
    lines = [f"# {entry['display_name']}", "", str(entry.get("description") or ""), ""]
    inputs = [
        (name, spec) for group in ("required", "optional") for name, spec in entry["input"].get(group, {}).items()
    ]
    if inputs:
        lines += ["## Inputs", "", "| input | type | |", "|---|---|---|"]
        lines += [f"| {name} | {_type(spec)} | {_cell(_options(spec).get('tooltip'))} |" for name, spec in inputs]
    if entry["output"]:
        tips = entry.get("output_tooltips") or ()
        lines += ["", "## Outputs", "", "| output | type | |", "|---|---|---|"]
        for number, (name, kind) in enumerate(zip(entry["output_name"], entry["output"], strict=False)):
            lines.append(f"| {name} | {_type([kind])} | {_cell(tips[number] if number < len(tips) else '')} |")
    return "\n".join(lines) + "\n"


def _type(spec: Any) -> str:
    return spec[0] if isinstance(spec[0], str) else "COMBO"


def _options(spec: Any) -> Mapping[str, Any]:
    return spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}


def _cell(text: Any) -> str:
    return " ".join(str(text or "").replace("|", "\\|").split())

"""What there is: nodes, models, extensions, features and the machine, each as a list for clients."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from .. import __version__
from ..folders import UnsafePathError, inside
from . import node_info
from .errors import BadRequest
from .json_text import dumps
from .services import Services, services

routes = web.RouteTableDef()
T = TypeVar("T")

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf")
#: The release of the reference whose API this server answers with; clients compare against it.
API_VERSION = "0.3.64"


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do blocking ``work`` beside the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


@routes.get("/")
async def index(request: web.Request) -> web.Response:
    """What answers here, for a person who opens the address in a browser."""
    return web.Response(text=f"comfy-notebook {__version__} answers ComfyUI's API here, for instance /object_info.\n")


@routes.get("/object_info")
async def object_info(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(node_info.entries, services(request).registry), dumps=dumps)


@routes.get("/object_info/{name}")
async def object_info_of(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    info = await in_thread(node_info.entry, services(request).registry, name)
    return web.json_response({} if info is None else {name: info}, dumps=dumps)


@routes.get("/features")
async def features(request: web.Request) -> web.Response:
    return web.json_response(server_features(services(request)))


def server_features(parts: Services) -> dict[str, Any]:
    """What this server can do, as told to clients that ask or negotiate over the websocket."""
    return {"supports_preview_metadata": True, "max_upload_size": parts.max_upload_size}


@routes.get("/extensions")
async def extensions(request: web.Request) -> web.Response:
    return web.json_response([])  # no pack is loaded: packs add their files here


@routes.get("/embeddings")
async def embeddings(request: web.Request) -> web.Response:
    names = await in_thread(model_files, services(request), "embeddings")
    return web.json_response([os.path.splitext(name)[0] for name in names])


@routes.get("/models")
async def models(request: web.Request) -> web.Response:
    root = services(request).folders.models
    return web.json_response(sorted(item.name for item in root.iterdir() if item.is_dir()) if root.is_dir() else [])


@routes.get("/models/{folder}")
async def models_in(request: web.Request) -> web.Response:
    parts, folder = services(request), request.match_info["folder"]
    if "/" in folder or "\\" in folder or folder.startswith(".") or not (parts.folders.models / folder).is_dir():
        raise BadRequest(f"There is no model folder {folder!r}.", "not_found", 404)
    return web.json_response(await in_thread(model_files, parts, folder))


def model_files(parts: Services, folder: str) -> list[str]:
    """The weight files below one model folder, as paths relative to it."""
    root = parts.folders.models / folder
    found = (path for path in root.rglob("*") if path.suffix.lower() in MODEL_SUFFIXES and path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


@routes.get("/view_metadata/{folder}")
async def view_metadata(request: web.Request) -> web.Response:
    parts = services(request)
    folder, name = request.match_info["folder"], request.query.get("filename", "")
    if not name.endswith(".safetensors"):
        raise BadRequest("Only .safetensors files carry metadata.", "not_found", 404)
    try:
        path = inside(inside(parts.folders.models, folder), name)
    except (UnsafePathError, ValueError) as exc:
        raise BadRequest(str(exc), "forbidden_path", 403) from exc
    metadata = await in_thread(safetensors_metadata, path) if path.is_file() else None
    if metadata is None:
        raise BadRequest(f"{name!r} has no metadata.", "not_found", 404)
    return web.json_response(metadata)


def safetensors_metadata(path: Path) -> Any:
    """The ``__metadata__`` of a safetensors header (8 bytes little-endian length, then JSON); None without any."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= 100 * 1024 * 1024:
            return None
        try:
            return json.loads(file.read(length)).get("__metadata__")
        except (ValueError, AttributeError):
            return None


@routes.get("/system_stats")
async def system_stats(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(describe_system))


def describe_system() -> dict[str, Any]:
    """The machine. Torch and its devices are told only once a node has loaded it: asking never loads it."""
    total, free = memory()
    torch = sys.modules.get("torch")
    return {
        "system": {
            "os": os.name,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": API_VERSION,
            "comfy_notebook_version": __version__,
            "python_version": sys.version,
            "pytorch_version": str(torch.__version__) if torch is not None else "not loaded",
            "embedded_python": False,
            "argv": sys.argv,
        },
        "devices": devices(torch, total, free) if torch is not None else [],
    }


def memory() -> tuple[int, int]:
    """Bytes of memory in all and available; zeros where the platform does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            sizes = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in file)}
        return sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError):
        return 0, 0


def devices(torch: Any, total: int, free: int) -> list[dict[str, Any]]:
    """Every device torch would use, with its memory in bytes."""
    if not torch.cuda.is_available():
        name = platform.processor() or "cpu"
        sizes = {"vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free}
        return [{"name": name, "type": "cpu", "index": None, **sizes}]
    found = []
    for index in range(torch.cuda.device_count()):
        unused, size = torch.cuda.mem_get_info(index)
        reserved = torch.cuda.memory_reserved(index)
        sizes = {"vram_total": size, "vram_free": unused, "torch_vram_total": reserved}
        sizes["torch_vram_free"] = reserved - torch.cuda.memory_allocated(index)
        found.append({"name": torch.cuda.get_device_name(index), "type": "cuda", "index": index, **sizes})
    return found

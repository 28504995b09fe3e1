"""What there is: nodes, features and the machine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar

from aiohttp import web

from .. import __version__
from ..engine import memory
from ..protocol.object_info import all_object_info
from . import node_info
from .json_text import dumps
from .services import Services, services

routes = web.RouteTableDef()
T = TypeVar("T")

#: The release of the reference whose API this server answers with; clients compare against it.
API_VERSION = "0.3.64"


#: Versions of the reference's own front end and templates, which this server does without.
NOT_USED = ("required_frontend_version", "installed_templates_version", "required_templates_version")


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do blocking ``work`` beside the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


@routes.get("/")
async def index(request: web.Request) -> web.Response:
    """What answers here, for a person who opens the address in a browser."""
    return web.Response(text=f"comfy-notebook {__version__} answers ComfyUI's API here, for instance /object_info.\n")


@routes.get("/object_info")
async def object_info(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(all_object_info, services(request).registry), dumps=dumps)


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
    return {
        "supports_preview_metadata": True,
        "max_upload_size": parts.max_upload_size,
        "node_replacements": True,
        "assets": False,
    }


@routes.get("/system_stats")
async def system_stats(request: web.Request) -> web.Response:
    return web.json_response(await in_thread(describe_system))


def describe_system() -> dict[str, Any]:
    """The machine. GPUs are told only once something has loaded torch: asking never loads it, nor waits for it."""
    total, free = memory.total() or 0, memory.available() or 0
    torch = sys.modules.get("torch")
    if torch is not None and getattr(torch.__spec__, "_initializing", False):
        torch = None
    return {
        "system": {
            "os": os.name,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": API_VERSION,
            "comfy_notebook_version": __version__,
            **dict.fromkeys(NOT_USED),
            "python_version": sys.version,
            "pytorch_version": str(torch.__version__) if torch is not None else installed_version("torch"),
            "embedded_python": False,
            "argv": sys.argv,
        },
        "devices": devices(torch, total, free),
    }


def installed_version(package: str) -> str:
    """The version of a package that need not be loaded."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def devices(torch: Any, total: int, free: int) -> list[dict[str, Any]]:
    """Every device torch would use, with its memory in bytes; the processor where torch is None."""
    if torch is None or not torch.cuda.is_available():
        sizes = {"vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free}
        return [{"name": "cpu", "type": "cpu", "index": None, **sizes}]
    found = []
    for index in range(torch.cuda.device_count()):
        unused, size = torch.cuda.mem_get_info(index)
        reserved = torch.cuda.memory_reserved(index)
        sizes = {"vram_total": size, "vram_free": unused, "torch_vram_total": reserved}
        sizes["torch_vram_free"] = reserved - torch.cuda.memory_allocated(index)
        found.append({"name": torch.cuda.get_device_name(index), "type": "cuda", "index": index, **sizes})
    return found

"""What a person keeps on the server: settings and files, below ``user/default``."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

from aiohttp import web

from .atomic import is_unfinished, write_bytes, write_text
from .catalogue import in_thread
from .errors import BadRequest, body_text, json_object, parse_json, whole_body
from .json_text import dumps
from .off import disabled
from .paths import below, make_room, whole_file
from .services import services
from .view import safe_type

routes = web.RouteTableDef()

SETTINGS = "comfy.settings.json"
_settings_lock = threading.Lock()


def user_root(request: web.Request) -> Path:
    """The folder of the one user."""
    return services(request).folders.user / "default"


def user_path(request: web.Request, *parts: str) -> Path:
    """A path below the user's folder; raises :class:`BadRequest` (403) for one outside it."""
    return below(user_root(request), *parts)


@routes.get("/users")
async def users(request: web.Request) -> web.Response:
    return web.json_response({"storage": "server", "migrated": user_root(request).is_dir()})


@routes.post("/users")
async def add_user(request: web.Request) -> web.Response:
    return disabled("Accounts are not enabled on this server: it has one user.")


@routes.get("/settings")
async def get_settings(request: web.Request) -> web.Response:
    return web.json_response(read_settings(user_root(request)), dumps=dumps)


@routes.get("/settings/{id}")
async def get_setting(request: web.Request) -> web.Response:
    return web.json_response(read_settings(user_root(request)).get(request.match_info["id"]), dumps=dumps)


@routes.post("/settings")
async def post_settings(request: web.Request) -> web.Response:
    await in_thread(update_settings, user_root(request), await json_object(request))
    return web.Response()


@routes.post("/settings/{id}")
async def post_setting(request: web.Request) -> web.Response:
    value = parse_json(await body_text(request))
    await in_thread(update_settings, user_root(request), {request.match_info["id"]: value})
    return web.Response()


def read_settings(root: Path) -> dict[str, Any]:
    """The settings; empty where there are none or the file is broken."""
    try:
        settings = json.loads((root / SETTINGS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def update_settings(root: Path, changes: dict[str, Any]) -> None:
    """Merge ``changes`` into the settings; two at once both count."""
    with _settings_lock:
        root.mkdir(parents=True, exist_ok=True)
        write_text(root / SETTINGS, json.dumps({**read_settings(root), **changes}, indent=2))


@routes.get("/userdata")
async def list_userdata(request: web.Request) -> web.Response:
    folder = request.query.get("dir", "")
    if not folder:
        raise BadRequest("Name a folder with ?dir=.", "bad_filename")
    root = user_path(request, folder)
    if not root.is_dir():
        raise BadRequest(f"There is no folder {folder!r}.", "not_found", 404)
    found = await in_thread(_files, root, flag(request, "recurse"))
    if flag(request, "full_info"):
        return web.json_response([file_info(path, root) for path in found])
    names = [path.relative_to(root).as_posix() for path in found]
    if flag(request, "split"):
        return web.json_response([[name, *name.split("/")] for name in names])
    return web.json_response(names)


def _files(root: Path, recurse: bool) -> list[Path]:
    found = root.rglob("*") if recurse else root.glob("*")
    return sorted(path for path in found if path.is_file() and not is_unfinished(path))


@routes.get("/v2/userdata")
async def list_userdata_v2(request: web.Request) -> web.Response:
    root = user_root(request)
    folder = user_path(request, request.query.get("path", "").lstrip("/"))
    if folder == root.resolve() and not folder.exists():
        return web.json_response([])  # nothing was kept so far
    if not folder.is_dir():
        raise BadRequest(f"There is no folder {request.query.get('path')!r}.", "not_found", 404)
    found = sorted(path for path in folder.iterdir() if not is_unfinished(path))
    return web.json_response([_entry(path, root.resolve()) for path in found])


def _entry(path: Path, root: Path) -> dict[str, Any]:
    kind = "directory" if path.is_dir() else "file"
    entry: dict[str, Any] = {"name": path.name, "path": path.relative_to(root).as_posix(), "type": kind}
    if kind == "file":
        entry.update(size=path.stat().st_size, modified=int(path.stat().st_mtime * 1000))
    return entry


@routes.get("/userdata/{file}")
async def get_userdata(request: web.Request) -> web.StreamResponse:
    path = _existing(request)
    headers = {"Content-Type": safe_type(path.name), "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return whole_file(path, headers)


@routes.post("/userdata/{file}")
async def post_userdata(request: web.Request) -> web.Response:
    path = _named(request, "file")
    if not flag(request, "overwrite", default=True) and path.exists():
        raise BadRequest(f"{path.name!r} exists already.", "exists", 409)
    body = await whole_body(request)

    await in_thread(_store, path, body)
    return _answer(request, path)


def _store(path: Path, body: bytes) -> None:
    make_room(path)
    write_bytes(path, body)


@routes.delete("/userdata/{file}")
async def delete_userdata(request: web.Request) -> web.Response:
    _existing(request).unlink()
    return web.Response(status=204)


@routes.post("/userdata/{file}/move/{dest}")
async def move_userdata(request: web.Request) -> web.Response:
    source, target = _existing(request), _named(request, "dest")
    if not flag(request, "overwrite", default=True) and target.exists():
        raise BadRequest(f"{target.name!r} exists already.", "exists", 409)
    await in_thread(_move, source, target)
    return _answer(request, target)


def _move(source: Path, target: Path) -> None:
    make_room(target)
    shutil.move(source, target)


def _named(request: web.Request, key: str) -> Path:
    """The path of a file that may be made."""
    path = user_path(request, request.match_info[key])
    if path == user_root(request).resolve():
        raise BadRequest("That names a folder.", "bad_filename")
    return path


def _existing(request: web.Request) -> Path:
    path = user_path(request, request.match_info["file"])
    if not path.is_file():
        raise BadRequest(f"There is no file {request.match_info['file']!r}.", "not_found", 404)
    return path


def _answer(request: web.Request, path: Path) -> web.Response:
    root = user_root(request).resolve()
    if flag(request, "full_info"):
        return web.json_response(file_info(path, root))
    return web.json_response(path.relative_to(root).as_posix())


def flag(request: web.Request, key: str, *, default: bool = False) -> bool:
    """A boolean of the query; what is neither ``true`` nor ``false`` is ``default``."""
    text = request.query.get(key, "").lower()
    return text in ("true", "1") or (default and text not in ("false", "0"))


def file_info(path: Path, root: Path) -> dict[str, Any]:
    """``{path, size, modified, created}``: bytes, milliseconds since 1970."""
    stat = path.stat()
    times = {"modified": int(stat.st_mtime * 1000), "created": int(stat.st_ctime * 1000)}
    return {"path": path.relative_to(root).as_posix(), "size": stat.st_size, **times}

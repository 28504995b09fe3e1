"""The JavaScript modules of all packs in one answer, so that an editor need not ask for each file.

An editor names the sources it holds by hash; only the others travel.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from ..folders import list_files
from ..packs.files import PackFiles, Packs
from .catalogue import in_thread
from .errors import BadRequest, json_object
from .json_text import dumps
from .services import services

log = logging.getLogger(__name__)
routes = web.RouteTableDef()

#: ComfyUI evaluates every ``.js`` file at start-up; modules with the other ending only when one of these imports them.
ENTRY, IMPORTED = ".js", ".mjs"


@dataclass(frozen=True)
class ModuleFile:
    """A module of a pack: the path of its URL (percent-encoded) and its file."""

    pack: str
    path: str
    file: Path

    @property
    def is_entry(self) -> bool:
        return self.file.suffix.lower() == ENTRY


@routes.get("/cn/extensions")
async def module_list(request: web.Request) -> web.Response:
    """What there is, without the sources."""
    return await _answer(request, None)


@routes.post("/cn/extensions")
async def module_sources(request: web.Request) -> web.Response:
    """The list, and the sources whose hash is not in ``have``."""
    have = (await json_object(request)).get("have", [])
    if not isinstance(have, list):
        raise BadRequest("'have' must be a list of hashes.")
    return await _answer(request, {item for item in have if isinstance(item, str)})


async def _answer(request: web.Request, have: Collection[str] | None) -> web.Response:
    packs = services(request).packs
    return web.json_response(await in_thread(describe, packs, have), dumps=dumps)


def describe(packs: Packs, have: Collection[str] | None) -> dict[str, Any]:
    """``{modules: [{pack, path, hash, size, entry}], importing: [pack], sources: {hash: text}}``.

    ``sources`` is there unless ``have`` is None. A file that goes or can't be read meanwhile is left out.
    """
    listed: list[dict[str, Any]] = []
    sources: dict[str, str] = {}
    for module in module_files(packs):
        try:
            stamp = module.file.stat()
            digest = _digest(str(module.file), stamp.st_mtime_ns, stamp.st_size)
            if have is not None and digest not in have and digest not in sources:
                # What was written since has another hash than the one listed; the next list tells.
                sources[digest] = module.file.read_bytes().decode("utf-8-sig", "replace")
        except OSError as error:
            log.warning("%s of the pack %s cannot be read: %s", module.path, module.pack, error)
            continue
        entry = {"pack": module.pack, "path": module.path, "hash": digest, "size": stamp.st_size}
        listed.append(entry | {"entry": module.is_entry})
    reports = dict(packs.reports)
    importing = [name for name, report in reports.items() if report.status == "importing"]
    importing += [name for name in packs.awaited if name not in reports]
    return {"modules": listed, "importing": importing} | ({} if have is None else {"sources": sources})


def module_files(packs: Packs) -> Iterator[ModuleFile]:
    """The modules of every pack, in the order the packs were loaded."""
    for pack in packs:
        yield from _of_pack(pack)


def _of_pack(pack: PackFiles) -> Iterator[ModuleFile]:
    if pack.web is None:
        return
    for name in list_files(pack.web, {ENTRY, IMPORTED}, recursive=True):
        path = "/".join(quote(part, safe="!~*'()") for part in ("extensions", pack.name, *name.split("/")))
        yield ModuleFile(pack.name, f"/{path}", Path(os.path.join(pack.web, name)))


@lru_cache(maxsize=8192)
def _digest(path: str, modified: int, size: int) -> str:
    """Of the file's content as of that time; 128 bits suffice to tell versions of a file apart."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]

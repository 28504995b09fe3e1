"""Names from requests as paths below a folder; whatever leads elsewhere is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from ..folders import UnsafePathError, inside
from .errors import BadRequest

#: What leads out of a folder on Windows; elsewhere these are odd names, which nobody means.
_WINDOWS = re.compile(r"[A-Za-z]:|\\|.*(^|[\\/])\.\.(\\|$)|.*\\\.\.([\\/]|$)", re.DOTALL)
_LONGEST_NAME = 255


def below(root: Path, *parts: str, links: bool = False) -> Path:
    """``root`` joined with ``parts``; raises :class:`BadRequest`: 403 for what lies outside, 400 for no usable name.

    With ``links``, symbolic links in ``root`` may lead elsewhere.
    """
    if any(_WINDOWS.match(part) for part in parts):
        raise BadRequest("The path leads out of its folder.", "forbidden_path", 403)
    try:
        path = inside(root, *parts, links=links)
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
            raise BadRequest(f"A part of the path is longer than {_LONGEST_NAME} bytes.", "bad_filename")
        return path
    except UnsafePathError as exc:
        raise BadRequest("The path leads out of its folder.", "forbidden_path", 403) from exc
    except (OSError, ValueError, RuntimeError) as exc:  # NUL, half a surrogate pair, links in a circle
        raise BadRequest(f"Not a usable path: {exc}.", "bad_filename") from exc


def make_room(path: Path) -> None:
    """Make the folder of ``path``; raises :class:`BadRequest` where a file has its name or ``path`` is a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as exc:
        raise BadRequest("A part of the path is a file, not a folder.", "bad_filename") from exc
    if path.is_dir():
        raise BadRequest("That names a folder.", "bad_filename")


def whole_file(path: Path, headers: Mapping[str, str]) -> web.StreamResponse:
    """``path`` as it is: what somebody put beside it as ``name.gz`` is not sent in its place."""
    if any(path.with_name(path.name + ending).exists() for ending in (".gz", ".br")):
        return web.Response(body=path.read_bytes(), headers=headers)
    return web.FileResponse(path, headers=headers)

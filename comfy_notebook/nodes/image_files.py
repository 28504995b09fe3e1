"""Image files to load: what a folder offers, whether a file is there, whether it is still the same."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Any

from .. import folders

#: Suffixes of the files that the image loaders list.
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".apng", ".ppm", ".tga")
)

_hashes: dict[Path, tuple[tuple[int, int], str]] = {}


def listing(kind: str = "input") -> list[str]:
    """Names of the image files in a folder, sorted; none where the folder does not exist."""
    return folders.list_files(folders.current().by_type(kind), SUFFIXES)


def problem(name: str, kind: str = "input") -> str | None:
    """Why a file named in a workflow cannot be opened; None when it is there."""
    try:
        path = folders.current().resolve(name, kind)
    except folders.UnsafePathError:
        return f"{name!r} lies outside the {kind} folder"
    except (ValueError, OSError):
        return f"{name!r} is not a file name"
    if not path.is_file():
        return f"there is no file {name!r} in {path.parent}; {_like(path)}upload it or choose another one"
    return None


def _like(path: Path) -> str:
    """Names in its folder that are like the name of a file that is not there."""
    try:
        there = {file.name.lower(): file.name for file in path.parent.iterdir() if file.is_file()}
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name.lower(), there, 3, 0.7)
    return f"like it: {', '.join(there[name] for name in close)}; " if close else ""


def fingerprint(name: Any, kind: str = "input") -> str | float:
    """SHA-256 of a file's content; read again only when its time or size changed.

    Of a file that cannot be read ``"unreadable"``: what is wrong with it is said by whoever wants the image. NaN, which
    equals nothing, where the name is not known yet because it comes over a link.
    """
    if not isinstance(name, str):
        return float("nan")
    try:
        return _digest(folders.current().resolve(name, kind))
    except (OSError, ValueError):
        return "unreadable"


def _digest(path: Path) -> str:
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    known = _hashes.get(path)
    if known is None or known[0] != stamp:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        known = _hashes[path] = (stamp, digest.hexdigest())
    return known[1]

"""Image files: what the input folder offers, whether a file is still the same, names for saved images."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
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
    try:
        with os.scandir(folders.current().by_type(kind)) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []
    return sorted(name for name in names if Path(name).suffix.lower() in SUFFIXES)


def problem(name: str, kind: str = "input") -> str | None:
    """Why a file named in a workflow cannot be opened; None when it is there."""
    try:
        path = folders.current().resolve(name, kind)
    except folders.UnsafePathError:
        return f"{name!r} lies outside the {kind} folder"
    except (ValueError, OSError):
        return f"{name!r} is not a file name"
    if not path.is_file():
        return f"there is no file {name!r} in {path.parent}; upload it or choose another one"
    return None


def fingerprint(name: str, kind: str = "input") -> str:
    """SHA-256 of a file's content; read again only when its time or size changed."""
    path = folders.current().resolve(name, kind)
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


@dataclass(frozen=True)
class Numbering:
    """The names of the files that one save makes: ``<stem>_<counter>_<suffix>`` in ``folder``."""

    folder: Path
    stem: str
    counter: int
    subfolder: str

    def path(self, index: int, suffix: str) -> Path:
        """Where image ``index`` (from 0) of the batch goes."""
        stem = self.stem.replace("%batch_num%", str(index))
        return self.folder / f"{stem}_{self.counter + index:05}_{suffix}"

    def entry(self, path: Path, kind: str) -> dict[str, str]:
        """How results name the file to the editor."""
        return {"filename": path.name, "subfolder": self.subfolder, "type": kind}


def numbering(root: str | os.PathLike[str], prefix: str, width: int = 0, height: int = 0) -> Numbering:
    """The next free number for ``prefix`` below ``root``; makes the folder.

    ``prefix`` may hold folders and ``%width% %height% %year% %month% %day% %hour% %minute% %second%``.
    Raises :class:`~comfy_notebook.folders.UnsafePathError` when it leads out of ``root``.
    """
    base = Path(root).resolve()
    target = folders.inside(base, _expand(prefix, width, height) or "ComfyUI")
    if target == base:
        raise folders.UnsafePathError(f"{prefix!r} names a folder; end it with the beginning of a file name")
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = re.escape(target.name).replace("%batch_num%", r"\d+")
    taken = re.compile(rf"{stem}_(\d+)_?(?:\.|$)", re.IGNORECASE)
    numbers = [int(found[1]) for name in os.listdir(target.parent) if (found := taken.match(name))]
    subfolder = target.parent.relative_to(base).as_posix()
    return Numbering(target.parent, target.name, max(numbers, default=0) + 1, "" if subfolder == "." else subfolder)


def _expand(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    values = {"width": str(width), "height": str(height), "year": str(now.tm_year)}
    for name, value in zip(("month", "day", "hour", "minute", "second"), now[1:6], strict=True):
        values[name] = f"{value:02}"
    return re.sub(r"%(\w+)%", lambda found: values.get(found[1], found[0]), prefix)


def write(path: Path, save: Callable[[Any], object]) -> None:
    """Let ``save`` write into an open file that appears under ``path`` when it is complete, or not at all."""
    part = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        with open(part, "wb") as file:
            save(file)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """:func:`write` for content that is at hand."""
    write(path, lambda file: file.write(content))

"""Saved files: named ``<prefix>_00001_.<extension>`` with the next free number, and written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import folders


@dataclass(frozen=True)
class Numbering:
    """Names of the files that one save makes: ``<stem>_<counter>_<suffix>`` in ``folder``."""

    folder: Path
    stem: str
    counter: int
    subfolder: str

    def path(self, index: int, suffix: str) -> Path:
        """Where item ``index`` (from 0) of the batch goes; ``suffix`` is what follows the number."""
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

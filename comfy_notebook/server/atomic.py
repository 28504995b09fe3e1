"""Files appear whole or not at all: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def temporary_name(path: Path) -> Path:
    """A fresh name beside ``path`` for the half-written file."""
    return path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.part")


def is_unfinished(path: Path) -> bool:
    """Whether ``path`` is a half-written file."""
    return path.name.startswith(".") and path.suffix == ".part"


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step; raises ``OSError`` about ``path`` and leaves the old file as it was."""
    part = temporary_name(path)
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as exc:
        _remove(part)
        if isinstance(exc, OSError) and exc.errno is not None:  # it names the temporary file
            raise OSError(exc.errno, exc.strerror, str(path)) from None
        raise


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path`` in one step."""
    write_bytes(path, text.encode("utf-8", "surrogatepass"))

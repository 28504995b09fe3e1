"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write(path: Path, save: Callable[[Any], object]) -> None:
    """Let ``save`` write into an open file that appears under ``path`` when it is complete, or not at all.

    An ``OSError`` names ``path``, not the file that was being written.
    """
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
    try:
        with open(part, "wb") as file:
            save(file)
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(part):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """:func:`write` for content that is at hand."""
    write(path, lambda file: file.write(content))

"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


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

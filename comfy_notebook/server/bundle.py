"""The built editor: one script, named by the hash of its content so that a page fetches it once."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).parent.parent / "static" / "editor.js"


def digest() -> str:
    """The SHA-256 of the editor bundle, in hex; raises ``FileNotFoundError`` naming the way to build it."""
    return _load(_stamp())[0]


def read(wanted: str) -> bytes | None:
    """The bundle with that hash; None when there is no bundle or it is another one."""
    try:
        found, script = _load(_stamp())
    except FileNotFoundError:
        return None
    return script if found == wanted else None


def _stamp() -> tuple[int, int]:
    try:
        stat = PATH.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"The front end is not built ({PATH} is missing): run `make install`.") from None
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=1)
def _load(_: tuple[int, int]) -> tuple[str, bytes]:
    script = PATH.read_bytes()
    return hashlib.sha256(script).hexdigest(), script

"""The built editor, and the script that joins it when packs have JavaScript.

Both are named by the hash of their content, so that a page fetches them once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).parent.parent / "static" / "editor.js"


def digest() -> str:
    """The SHA-256 of the editor bundle, in hex; raises ``FileNotFoundError`` naming the way to build it."""
    return _load(PATH, *_stamp(PATH))[0]


def read(wanted: str) -> bytes | None:
    """The script with that hash; None when there is none, or others by now."""
    for path in (PATH, PATH.with_name("packs.js")):
        try:
            found, script = _load(path, *_stamp(path))
        except FileNotFoundError:
            continue
        if found == wanted:
            return script
    return None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"The front end is not built ({path} is missing): run `make install`.") from None
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=2)
def _load(path: Path, modified: int, size: int) -> tuple[str, bytes]:
    script = path.read_bytes()
    return hashlib.sha256(script).hexdigest(), script

"""The built front end: the shell that travels with every widget and the editor bundle that is fetched by its hash."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_STATIC = Path(__file__).parent.parent / "static"


@cache
def shell_source() -> str:
    """The anywidget module; raises ``FileNotFoundError`` where the front end was never built."""
    return _read("shell.js").decode()


@cache
def bundle_hash() -> str:
    """SHA-256 of the editor bundle, its name in ``/cn/bundle/<hash>.js``."""
    return hashlib.sha256(_read("editor.js")).hexdigest()


def _read(name: str) -> bytes:
    try:
        return (_STATIC / name).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"comfy_notebook/static/{name} is missing: the front end of this source tree is not built. "
            "Run `make install` (or `node build.mjs` in js/)."
        ) from None

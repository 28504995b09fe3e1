"""Names for saved files: ``<prefix>_00001_.<extension>``, the next free number in the output folder."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from .. import folders

_CLOCK = {
    "%year%": "%Y",
    "%month%": "%m",
    "%day%": "%d",
    "%hour%": "%H",
    "%minute%": "%M",
    "%second%": "%S",
}


def next_free(prefix: str, extension: str, kind: str = "output") -> Path:
    """The path for the next file of ``prefix``, whose folder exists afterwards.

    ``prefix`` may hold folders and ``%year% %month% %day% %hour% %minute% %second%``. Raises
    ``folders.UnsafePathError`` when it leads out of the folder ``kind``.
    """
    now = time.localtime()
    for token, directive in _CLOCK.items():
        prefix = prefix.replace(token, time.strftime(directive, now))
    stem = folders.inside(folders.current().by_type(kind), prefix)
    stem.parent.mkdir(parents=True, exist_ok=True)
    numbered = re.compile(re.escape(stem.name) + r"_(\d+)_", re.IGNORECASE)
    taken = [int(found[1]) for path in stem.parent.iterdir() if (found := numbered.match(path.name))]
    return stem.with_name(f"{stem.name}_{max(taken, default=0) + 1:05}_.{extension}")


def save_bytes(path: Path, content: bytes, kind: str = "output") -> dict[str, str]:
    """Write ``content`` to ``path`` whole or not at all; returns how the editor names the file."""
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, path)
    subfolder = path.parent.relative_to(folders.current().by_type(kind).resolve()).as_posix()
    return {"filename": path.name, "subfolder": "" if subfolder == "." else subfolder, "type": kind}

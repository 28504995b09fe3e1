"""Names from requests as paths below a folder; whatever leads elsewhere is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..folders import UnsafePathError, inside
from .errors import BadRequest

#: What leads out of a folder on Windows; elsewhere these are odd names, which nobody means.
_WINDOWS = re.compile(r"[A-Za-z]:|\\|.*(^|[\\/])\.\.(\\|$)|.*\\\.\.([\\/]|$)", re.DOTALL)
_LONGEST_NAME = 255


def below(root: Path, *parts: str) -> Path:
    """``root`` joined with ``parts``; raises :class:`BadRequest`: 403 for what lies outside, 400 for no usable name."""
    if any(_WINDOWS.match(part) for part in parts):
        raise BadRequest("The path leads out of its folder.", "forbidden_path", 403)
    try:
        path = inside(root, *parts)
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
            raise BadRequest(f"A part of the path is longer than {_LONGEST_NAME} bytes.", "bad_filename")
        return path
    except UnsafePathError as exc:
        raise BadRequest("The path leads out of its folder.", "forbidden_path", 403) from exc
    except (OSError, ValueError, RuntimeError) as exc:  # NUL, half a surrogate pair, links in a circle
        raise BadRequest(f"Not a usable path: {exc}.", "bad_filename") from exc

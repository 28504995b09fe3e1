"""The shell: the part of the built front end that travels with every widget."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PATH = Path(__file__).parent.parent / "static" / "shell.js"


@cache
def shell_source() -> str:
    """The anywidget module; raises ``FileNotFoundError`` where the front end was never built."""
    try:
        return PATH.read_text("utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"The front end is not built ({PATH} is missing): run `make install`.") from None

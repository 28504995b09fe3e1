"""Model files as nodes name them: what a folder offers, and what to say about a name that is not there."""

from __future__ import annotations

import difflib
from pathlib import Path

from .. import model_folders
from .inputs import Spec, options


def chooser(kind: str, tooltip: str, *more: str) -> Spec:
    """A choice of the files of a kind (``checkpoints``, ``loras`` …), and of ``more`` names."""
    return options([*listed(kind), *more], tooltip)


def listed(kind: str) -> list[str]:
    """The names of the files of a kind."""
    return model_folders.current().files(kind)


def problem(kind: str, name: str) -> str | None:
    """Why a model file can't be used; None when it is there. Names like it are listed."""
    folders = model_folders.current()
    try:
        if folders.path(kind, name) is not None:
            return None
    except ValueError:
        return f"{name!r} lies outside the folder for {kind}"
    files = folders.files(kind)
    places = " or ".join(str(root) for root in folders.roots(kind))
    if not files:
        return f"there is no file {name!r}: {places} holds no model file. Put it there"
    close = difflib.get_close_matches(Path(name).stem, [Path(file).stem for file in files], 3, 0.4)
    near = [file for file in files if Path(file).stem in close]
    offer = f"like it: {', '.join(near)}" if near else f"there is: {', '.join(files[:5])}"
    return f"there is no file {name!r} in {places}; {offer}"


def path(kind: str, name: str) -> Path:
    """Where a model file lies; raises ``FileNotFoundError`` with names like it when it is not there."""
    found = None if (text := problem(kind, name)) is not None else model_folders.current().path(kind, name)
    if found is None:
        raise FileNotFoundError(text)
    return found


def stamp(kind: str, name: str) -> str:
    """Changes when the file does: its time and size. Also for files that are not there."""
    try:
        status = path(kind, name).stat()
    except OSError:
        return "missing"
    return f"{status.st_mtime_ns}-{status.st_size}"

"""Model files as nodes name them: what a folder offers, and what to say about a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from .. import model_folders
from .inputs import Spec, options


class Files(list[str]):
    """Names to choose from, most of them files of a kind, that can say why another name is not among them."""

    def __init__(self, kind: str, names: Iterable[str], absent: Callable[[str], str | None] | None = None) -> None:
        super().__init__(names)
        self._absent = partial(problem, kind) if absent is None else absent

    def absent(self, name: object) -> str | None:
        """What to tell somebody who asked for ``name``."""
        return self._absent(name) if isinstance(name, str) else None


def chooser(kind: str, tooltip: str, *more: str, absent: Callable[[str], str | None] | None = None) -> Spec:
    """A choice of the files of a kind (``checkpoints``, ``loras`` …), and of ``more`` names."""
    return options(Files(kind, [*listed(kind), *more], absent), tooltip)


def listed(kind: str) -> Files:
    """The names of the files of a kind."""
    return Files(kind, model_folders.current().files(kind))


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

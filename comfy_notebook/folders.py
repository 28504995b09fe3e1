"""Where files live: input, output, temp, user and model folders, and the rule that no path leaves its root."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

#: Bytes: file systems end at 255 for a name, number and suffix (and the mark of previews) need some of them.
_LONGEST_NAME = 235
_LONGEST_PREFIX = 2000
_ANNOTATION = re.compile(r"^(?P<name>.*?)\s*\[(?P<kind>input|output|temp)\]$")


class UnsafePathError(ValueError):
    """A name pointed outside the folder it belongs to."""


def inside(root: Path, *parts: str, links: bool = False) -> Path:
    """``root`` joined with ``parts``; raises :class:`UnsafePathError` when the result is not below ``root``.

    With ``links``, symbolic links in ``root`` may lead elsewhere: people fill model folders with them.
    """
    root = root.resolve()
    joined = root / Path(*parts) if parts else root
    if "\0" in str(joined):
        raise ValueError("a path can't hold a NUL character")
    path = Path(os.path.normpath(joined)) if links else joined.resolve()
    if path != root and root not in path.parents:
        raise UnsafePathError(f"{'/'.join(parts)!r} lies outside {root}")
    return path


class SavePath(NamedTuple):
    """Where numbered files go: ``folder / f"{name}_{counter:05}_.png"``; ``subfolder`` is relative to the root,
    ``prefix`` what was asked for with its variables filled in."""

    folder: Path
    name: str
    counter: int
    subfolder: str
    prefix: str

    def path(self, index: int, suffix: str) -> Path:
        """The file of item ``index`` (from 0) of a batch; ``suffix`` is what follows the number, such as ``.png``."""
        name = self.name.replace("%batch_num%", str(index))
        return self.folder / f"{name}_{self.counter + index:05}_{suffix}"

    def entry(self, path: Path, kind: str) -> dict[str, str]:
        """How a node's ``ui`` names ``path`` to the editor; ``kind`` is ``output`` or ``temp``."""
        return {"filename": path.name, "subfolder": self.subfolder, "type": kind}


def save_path(root: Path, prefix: str, width: int = 0, height: int = 0) -> SavePath:
    """The next free numbered name below ``root`` for ``prefix``, which may hold folders and ``%width%``, ``%height%``,
    ``%year%``, ``%month%``, ``%day%``, ``%hour%``, ``%minute%``, ``%second%``, ``%batch_num%``. Makes the folder.

    An empty prefix is ``ComfyUI``. Raises :class:`UnsafePathError` when the prefix leads out of ``root``,
    ``ValueError`` when no file can have such a name.
    """
    filled = _filled_in(prefix, width, height) or "ComfyUI"
    _check_names(filled)
    target = inside(root, filled)
    if target == root.resolve():
        raise UnsafePathError(f"{prefix!r} names a folder; end it with the beginning of a file name")
    target.parent.mkdir(parents=True, exist_ok=True)
    subfolder = target.parent.relative_to(root.resolve()).as_posix()
    counter = 1 + max(_used_numbers(target.parent, target.name), default=0)
    return SavePath(target.parent, target.name, counter, "" if subfolder == "." else subfolder, filled)


def _check_names(prefix: str) -> None:
    if "\0" in prefix:
        raise ValueError(f"filename_prefix: {_shortened(prefix)} holds a NUL character, which no file name can hold")
    if len(os.fsencode(prefix)) > _LONGEST_PREFIX:
        raise ValueError(
            f"filename_prefix: {_shortened(prefix)} is too long, a path has at most {_LONGEST_PREFIX} bytes"
        )
    for part in prefix.split("/"):
        if len(os.fsencode(part)) > _LONGEST_NAME:
            raise ValueError(
                f"filename_prefix: {_shortened(part)} is too long for a file name: {len(os.fsencode(part))} bytes, "
                f"at most {_LONGEST_NAME}"
            )


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _filled_in(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    values = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    return re.sub(r"%(\w+)%", lambda match: values.get(match[1], match[0]), prefix)


def _used_numbers(folder: Path, name: str) -> list[int]:
    stem = re.escape(name).replace("%batch_num%", r"\d+")
    numbered = re.compile(stem + r"_(\d+)_?(?:\.|$)", re.IGNORECASE)
    return [int(match[1]) for entry in os.listdir(folder) if (match := numbered.match(entry))]


def list_files(root: Path, extensions: Collection[str] | None = None, *, recursive: bool = False) -> list[str]:
    """Names of the files in ``root``, sorted, with ``/`` between folders; hidden ones are left out.

    ``extensions`` (lower case, with the dot) restricts them; a folder that does not exist has no files.
    """
    found = []
    for path, folders, names in os.walk(root):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and (extensions is None or os.path.splitext(name)[1].lower() in extensions):
                found.append(Path(path, name).relative_to(root).as_posix())
    return sorted(found)


def default_base() -> Path:
    """``$COMFY_NOTEBOOK_HOME``, or the working folder of the kernel."""
    return Path(os.environ.get("COMFY_NOTEBOOK_HOME") or os.getcwd())


_temporary: Path | None = None


def _temporary_folder(otherwise: Path) -> Path:
    """A folder of this process alone, which nobody else may read; it goes with the process."""
    global _temporary
    if _temporary is None:
        try:
            _temporary = Path(tempfile.mkdtemp(prefix="comfy_notebook-"))
        except OSError:  # no folder for temporary files can be written to
            return otherwise
        atexit.register(_remove, _temporary, os.getpid())
    return _temporary


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked child leaves it to its parent
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Folders:
    """The folders of one session, all below ``base`` unless set otherwise; made when first written to."""

    base: Path = field(default_factory=default_base)
    input: Path = field(default=None)  # type: ignore[assignment]
    output: Path = field(default=None)  # type: ignore[assignment]
    temp: Path = field(default=None)  # type: ignore[assignment]
    user: Path = field(default=None)  # type: ignore[assignment]
    models: Path = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.input = self.input or self.base / "input"
        self.output = self.output or self.base / "output"
        self.user = self.user or self.base / "user"
        self.models = self.models or self.base / "models"
        self.temp = self.temp or _temporary_folder(self.base / "temp")

    def by_type(self, kind: str) -> Path:
        """The folder called ``input``, ``output`` or ``temp``; raises ``KeyError`` for another word."""
        return {"input": self.input, "output": self.output, "temp": self.temp}[kind]

    def resolve(self, name: str, default: str = "input") -> Path:
        """The path of a file named as nodes name it: ``"a/b.png"`` or ``"b.png [output]"``."""
        match = _ANNOTATION.match(name)
        kind, bare = (match["kind"], match["name"]) if match else (default, name)
        return inside(self.by_type(kind), bare)


_current: Folders | None = None


def current() -> Folders:
    """The folders of this process, made on first use."""
    global _current
    if _current is None:
        _current = Folders()
    return _current


def use(folders: Folders) -> None:
    """Replace the folders of this process."""
    global _current
    _current = folders

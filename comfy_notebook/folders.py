"""Where files live: input, output, temp, user and model folders, and the rule that no path leaves its root."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

_ANNOTATION = re.compile(r"^(?P<name>.*?)\s*\[(?P<kind>input|output|temp)\]$")


class UnsafePathError(ValueError):
    """A name pointed outside the folder it belongs to."""


def inside(root: Path, *parts: str) -> Path:
    """``root`` joined with ``parts``; raises :class:`UnsafePathError` when the result is not below ``root``."""
    root = root.resolve()
    path = (root / Path(*parts) if parts else root).resolve()
    if path != root and root not in path.parents:
        raise UnsafePathError(f"{'/'.join(parts)!r} lies outside {root}")
    return path


def default_base() -> Path:
    """``$COMFY_NOTEBOOK_HOME``, or the working folder of the kernel."""
    return Path(os.environ.get("COMFY_NOTEBOOK_HOME") or os.getcwd())


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
        self.temp = self.temp or Path(tempfile.gettempdir()) / f"comfy_notebook-{os.getpid()}"

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

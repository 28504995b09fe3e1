"""Which packs a ``custom_nodes`` folder holds, and what their ``pyproject.toml`` says."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PackSource:
    """A pack on disk: a folder with ``__init__.py``, or a single file. ``module`` is the name it is imported under."""

    name: str
    path: Path
    module: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def owned(self) -> Path:
        """The file or folder that holds its code."""
        return self.path


def source_of(path: Path) -> PackSource:
    """The pack at ``path``. Its module is called by the whole path, as packs that look for it expect."""
    path = path.absolute()
    if path.is_dir():
        return PackSource(path.name, path, str(path).replace(".", "_x_"))
    return PackSource(path.stem, path, str(path.with_suffix("")))


def find_packs(folders: Iterable[Path], only: Collection[str] | None = None) -> list[PackSource]:
    """The packs of some ``custom_nodes`` folders, in the order in which they are loaded; ``only`` names those wanted
    (of a file: with its suffix), all when None."""
    found = []
    for folder in folders:
        items = sorted(folder.iterdir()) if folder.is_dir() else []
        found += [source_of(item) for item in items if _is_pack(item) and (only is None or item.name in only)]
    return found


def _is_pack(path: Path) -> bool:
    if path.name.startswith(".") or path.name in ("__pycache__", "__init__.py") or path.name.endswith(".disabled"):
        return False
    return (path / "__init__.py").is_file() if path.is_dir() else path.suffix == ".py"


def declared_web_folder(folder: Path) -> tuple[str, Path] | None:
    """``(project name, folder)`` where ``pyproject.toml`` names a folder of scripts under ``[tool.comfy] web``."""
    project = read_pyproject(folder / "pyproject.toml")
    web = project.get("tool", {}).get("comfy", {}).get("web")
    if not isinstance(web, str) or not web:
        return None
    return str(project.get("project", {}).get("name") or folder.name), folder / web


def read_pyproject(file: Path) -> dict[str, Any]:
    """Its tables; empty where there is none or it cannot be read."""
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        return {}
    try:
        toml: Any = importlib.import_module("tomllib")
    except ModuleNotFoundError:  # Python 3.10
        return _two_values(text)
    try:
        return dict(toml.loads(text))
    except ValueError:
        return {}


def _two_values(text: str) -> dict[str, Any]:
    """``[project] name`` and ``[tool.comfy] web``, all that is needed of the file."""
    values: dict[str, str] = {}
    table = ""
    for line in text.splitlines():
        if (header := re.match(r"\s*\[([\w.]+)\]", line)) is not None:
            table = header[1]
        elif (entry := re.match(r"""\s*(name|web)\s*=\s*["']([^"']*)["']""", line)) is not None:
            values[f"{table}.{entry[1]}"] = entry[2]
    comfy = {"web": values["tool.comfy.web"]} if "tool.comfy.web" in values else {}
    return {"project": {"name": values.get("project.name")}, "tool": {"comfy": comfy}}


def code_files(source: PackSource) -> list[Path]:
    """The Python files of a pack."""
    if source.path.is_file():
        return [source.path]
    skipped = {"__pycache__", "node_modules", ".git", "venv", ".venv"}
    found = []
    for path in sorted(source.path.rglob("*.py")):
        if not skipped & set(path.relative_to(source.path).parts):
            found.append(path)
    return found


def code_fingerprint(source: PackSource) -> str:
    """16 hex digits over the Python files of a pack."""
    digest = hashlib.blake2b(digest_size=8)
    for file in code_files(source):
        try:
            digest.update(str(file).encode("utf-8", "surrogatepass") + b"\0" + file.read_bytes())
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()

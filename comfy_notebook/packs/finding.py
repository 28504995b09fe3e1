"""Which folders and files are packs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FoundPack:
    """A pack on disk: a folder with an ``__init__.py``, or a single file."""

    name: str
    path: Path

    @property
    def source(self) -> Path:
        """The file that Python runs."""
        return self.path / "__init__.py" if self.path.is_dir() else self.path

    @property
    def module_name(self) -> str:
        """Its name among Python's modules, which other packs may look for: the whole path, dots spelled out."""
        text = str(self.path if self.path.is_dir() else self.path.with_suffix(""))
        return text.replace(".", "_x_")


def find_packs(roots: Iterable[Path], only: Collection[str] | None = None) -> list[FoundPack]:
    """The packs in folders like ``custom_nodes``, by name; ``only`` names those wanted, all when None."""
    found = []
    for root in roots:
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            folder = path.is_dir() and (path / "__init__.py").is_file()
            if not (folder or (path.is_file() and path.suffix == ".py")):
                continue
            if path.name in ("__pycache__", "__init__.py") or path.name.endswith(".disabled"):
                continue
            if path.name.startswith(".") or (only is not None and path.name not in only):
                continue
            found.append(FoundPack(path.stem if not folder else path.name, path.absolute()))
    return found

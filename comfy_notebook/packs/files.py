"""The files that loaded packs bring for clients, by pack."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .report import PackReport


@dataclass(frozen=True)
class PackFiles:
    """A pack's folder and, where it has scripts for the front end, the folder of these."""

    name: str
    folder: Path
    web: Path | None = None


class Packs:
    """The loaded packs' files by name, their ``routes``, and the ``reports`` on their loading; ``awaited``: the names
    of those about to be loaded. Safe from any thread."""

    def __init__(self) -> None:
        from ..server.pack_routes import PackRoutes

        self.routes = PackRoutes()
        self.reports: Mapping[str, PackReport] = {}
        self.awaited: Collection[str] = ()
        self._lock = threading.Lock()
        self._packs: dict[str, PackFiles] = {}

    def add(self, pack: PackFiles) -> None:
        """Add a pack, or put it in the place of the one of the same name."""
        with self._lock:
            self._packs[pack.name] = pack

    def remove(self, name: str) -> None:
        with self._lock:
            self._packs.pop(name, None)

    def get(self, name: str) -> PackFiles | None:
        return self._packs.get(name)

    def __iter__(self) -> Iterator[PackFiles]:
        with self._lock:
            return iter(list(self._packs.values()))

"""3D models as files, on the disk or in memory."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import IO


class File3D:
    """A model file. ``source`` is a path or an open binary stream; ``file_format`` (``"glb"``, ``"obj"`` …) is read
    from the path when not given."""

    def __init__(self, source: str | Path | IO[bytes], file_format: str = "") -> None:
        self._source = source
        suffix = Path(source).suffix if isinstance(source, (str, Path)) else ""
        self._format = (file_format or suffix).lower().lstrip(".")

    @property
    def format(self) -> str:
        return self._format

    @format.setter
    def format(self, value: str) -> None:
        self._format = value.lower().lstrip(".")

    @property
    def is_disk_backed(self) -> bool:
        return isinstance(self._source, (str, Path))

    def get_source(self) -> str | IO[bytes]:
        """The path, or the stream at its beginning."""
        if isinstance(self._source, (str, Path)):
            return str(self._source)
        self._source.seek(0)
        return self._source

    def get_data(self) -> io.BytesIO:
        """The content in memory."""
        source = self.get_source()
        return io.BytesIO(Path(source).read_bytes() if isinstance(source, str) else source.read())

    def get_bytes(self) -> bytes:
        return self.get_data().getvalue()

    def save_to(self, path: str) -> str:
        """Write the file to ``path``, making its folder; returns the path."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = self.get_source()
        if isinstance(source, str):
            if Path(source).resolve() != target.resolve():
                shutil.copyfile(source, target)
        else:
            target.write_bytes(source.read())
        return str(target)

    def __repr__(self) -> str:
        return f"File3D({self._source if self.is_disk_backed else '<stream>'}, format={self._format!r})"

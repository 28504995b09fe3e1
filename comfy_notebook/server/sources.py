"""Where an editor's document comes from, and by what it is known again."""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..workflow.document import Document, read_document
from .cells import current_cell
from .node_info import InfoSource

#: A graph without nodes, as UI JSON 0.4.
EMPTY_DOCUMENT: dict[str, Any] = {
    "last_node_id": 0,
    "last_link_id": 0,
    "nodes": [],
    "links": [],
    "groups": [],
    "config": {},
    "extra": {},
    "version": 0.4,
}


@dataclass(frozen=True)
class Source:
    """An editor's beginning. ``key`` is its identity; ``lasting`` means that edits are looked for under that key."""

    key: str
    title: str
    path: Path | None
    lasting: bool
    document: dict[str, Any]
    warnings: tuple[str, ...]


def read_source(source: Any, info: InfoSource, *, name: str | None = None, cell: str | None = None) -> Source:
    """Read ``source`` (path, bytes, text, dict, ``Workflow`` or None) and say who it is.

    Raises ``WorkflowError`` when it holds no workflow.
    """
    path, title = None, None
    if source is not None and not isinstance(source, Mapping) and hasattr(source, "document"):  # a Workflow
        path, title = source.path, source.title
        source = source.document
    elif isinstance(source, os.PathLike) or (isinstance(source, str) and not source.lstrip().startswith("{")):
        source = path = Path(source).expanduser()
    read = Document(copy.deepcopy(EMPTY_DOCUMENT)) if source is None else read_document(source, info)
    path = path and Path(path).absolute()
    key, lasting = _identity(path, name, cell)
    title = title or name or (path.stem if path else "Workflow")
    return Source(key, title, path, lasting, read.data, tuple(read.warnings))


def _identity(path: Path | None, name: str | None, cell: str | None) -> tuple[str, bool]:
    """The key of an editor, and whether it will be asked for again under it."""
    if name is not None:
        return f"name:{name}@{path or ''}", True
    if path is not None:
        return f"path:{path}", True
    cell = cell or current_cell()
    if cell is not None:
        return f"cell:{cell}", True
    return f"new:{secrets.token_hex(8)}", False

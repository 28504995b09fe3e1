"""Where an editor's document comes from, and by what it is known again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import workflow
from .cells import current_cell

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
    read: Any = None
    document: dict[str, Any] = field(default_factory=dict)

    def with_document(self, document: dict[str, Any]) -> Source:
        """This source with its document as UI JSON."""
        return replace(self, document=document)


def read_source(source: Any, *, name: str | None = None, cell: str | None = None) -> Source:
    """Read ``source`` (path, bytes, dict, ``Workflow`` or None) and say who it is."""
    if source is not None and not isinstance(source, Mapping) and hasattr(source, "document"):  # a Workflow
        path = source.path and Path(source.path).absolute()
        return _identify(workflow.read_document(source.document), path, name, cell, getattr(source, "title", None))
    if isinstance(source, (str, os.PathLike)) and not _is_json_text(source):
        path = Path(source).expanduser().absolute()
        return _identify(workflow.read_document(path), path, name, cell, path.stem)
    return _identify(None if source is None else workflow.read_document(source), None, name, cell, None)


def _is_json_text(source: Any) -> bool:
    return isinstance(source, str) and source.lstrip().startswith("{")


def _identify(read: Any, path: Path | None, name: str | None, cell: str | None, title: str | None) -> Source:
    if name is not None:
        suffix = f"@{path}" if path else ""
        return Source(f"name:{name}{suffix}", name, path, lasting=True, read=read)
    if path is not None:
        return Source(f"path:{path}", title or path.stem, path, lasting=True, read=read)
    cell = cell or current_cell()
    if cell is not None:
        return Source(f"cell:{cell}", title or "Workflow", None, lasting=True, read=read)
    return Source(f"new:{secrets.token_hex(8)}", title or "Workflow", None, lasting=False, read=read)

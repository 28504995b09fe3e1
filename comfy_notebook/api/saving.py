"""Where a workflow is written to: a ``.json`` file, or into a picture that is there already."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..workflow.embed import embed
from ..workflow.errors import WorkflowError

PICTURES = (".png", ".webp")


def save(path: Path, document: dict[str, Any], to_api: Callable[[], dict[str, Any]], *, format: str) -> Path:
    """Write ``document`` (or, with ``format="api"``, the prompt it makes) to ``path`` in one step; returns where.

    ``name.json`` is written, ``name`` too with that ending; an existing PNG or WEBP picture takes the workflow into its
    metadata and keeps its pixels. Raises ``ValueError`` for anything else and ``OSError`` where it can't be written.
    """
    from ..server.atomic import write_bytes, write_text

    shown = str(path)
    target = path.expanduser()
    suffix = target.suffix.lower()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "This is a folder; name a file in it", shown)
    if suffix in PICTURES:
        data = _picture(target, shown, document, to_api, format)
        write_bytes(target, data)
        return target
    if suffix not in ("", ".json"):
        raise ValueError(
            f"{shown!r} does not end in .json: workflows are saved as .json files, or into a .png or .webp picture."
        )
    target = target if suffix else target.with_name(target.name + ".json")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"There is no folder {str(target.parent)!r} to save in", shown)
    write_text(target, json.dumps(document if format == "ui" else to_api(), indent=2))
    return target


def _picture(
    target: Path, shown: str, document: dict[str, Any], to_api: Callable[[], dict[str, Any]], format: str
) -> bytes:
    """The picture with the workflow inside. The prompt goes along, as one of another graph must not stay."""
    instead = target.with_suffix(".json").name
    if not target.is_file():
        raise ValueError(
            f"There is no picture {shown!r} to put the workflow into; save({instead!r}) writes a file of its own."
        )
    texts: dict[str, str | None] = {"workflow": json.dumps(document) if format == "ui" else None, "prompt": None}
    try:
        texts["prompt"] = json.dumps(to_api())
    except WorkflowError:
        if format == "api":
            raise
    try:
        return embed(target.read_bytes(), texts)
    except WorkflowError as error:
        message = f"The workflow can't go into {shown!r}: {error}; save({instead!r}) writes a file of its own."
        raise ValueError(message) from None

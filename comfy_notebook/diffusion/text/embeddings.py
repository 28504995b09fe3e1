"""Textual inversion: rows for the token table from a file, named in prompts as ``embedding:name``."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import model_folders
from ..checkpoints.files import WeightsError, read_nested, read_weights

MARK = "embedding:"
_SUFFIXES = (".safetensors", ".pt", ".bin")
_log = logging.getLogger("comfy_notebook")


def find_embedding(name: str, width: int, key: str) -> Any:
    """The rows ``[N, width]`` of an embedding for the encoder called ``key`` (``clip_l``, ``clip_g``).

    None when there is no such file or it is for another model, which is logged.
    """
    path = _path(name)
    if path is None:
        _log.warning("There is no embedding %r%s.", name, _near(name))
        return None
    try:
        rows = _rows(_weights(path), key)
    except (WeightsError, OSError) as error:
        _log.warning("The embedding %r is left out: %s", name, error)
        return None
    if rows is None or rows.shape[-1] != width:
        has = "none" if rows is None else str(rows.shape[-1])
        _log.warning("The embedding %r is left out: it is for another model (width %s, not %d).", name, has, width)
        return None
    return rows.reshape(-1, width).float()


def _path(name: str) -> Path | None:
    folders = model_folders.current()
    names = [name] if name.lower().endswith(_SUFFIXES) else [name + suffix for suffix in _SUFFIXES]
    for candidate in names:
        try:
            path = folders.path("embeddings", candidate)
        except ValueError:
            return None
        if path is not None:
            return path
    return None


def _near(name: str) -> str:
    known = [Path(file).with_suffix("").as_posix() for file in model_folders.current().files("embeddings", _SUFFIXES)]
    close = difflib.get_close_matches(name, known, 3)
    return f"; there is {', '.join(close)}" if close else ""


def _weights(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        return read_weights(path)[0]
    loaded = read_nested(path)
    held = loaded.get("string_to_param", loaded) if isinstance(loaded, Mapping) else {}
    return dict(held.items())


def _rows(weights: dict[str, Any], key: str) -> Any:
    if key in weights:
        return weights[key]
    for name in ("emb_params", "*"):
        if name in weights:
            return weights[name]
    return next(iter(weights.values()), None) if len(weights) == 1 else None

"""Comfy in a notebook cell.

``Editor("workflow.json")`` at the end of a cell shows the graph; ``Workflow.load(…).run().result()`` runs one without an
editor; ``@node`` makes a function a node in every open editor. Every name below is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any as _Any

if TYPE_CHECKING:
    from .api import Workflow as Workflow, node as node
    from .protocol.context import context as context
    from .protocol.markers import (
        Any as Any,
        Audio as Audio,
        Clip as Clip,
        Conditioning as Conditioning,
        Image as Image,
        Latent as Latent,
        Mask as Mask,
        Model as Model,
        Multiline as Multiline,
        Range as Range,
        Sigmas as Sigmas,
        Slider as Slider,
        Tooltip as Tooltip,
        Vae as Vae,
    )
    from .results import Results as Results
    from .run_errors import RunError as RunError, RunInterrupted as RunInterrupted
    from .running import Run as Run
    from .widget import Editor as Editor

__version__ = "0.1.0"

_MARKERS = (
    *("Any", "Audio", "Clip", "Conditioning", "Image", "Latent", "Mask", "Model", "Sigmas", "Vae"),
    *("Multiline", "Range", "Slider", "Tooltip"),
)
_HOMES = {
    "Editor": "widget",
    "Workflow": "api",
    "node": "api",
    "Run": "running",
    "Results": "results",
    "RunError": "run_errors",
    "RunInterrupted": "run_errors",
    "context": "protocol.context",
    **dict.fromkeys(_MARKERS, "protocol.markers"),
}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - every entry is a string


def __getattr__(name: str) -> _Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""Comfy in a notebook cell.

``Editor("workflow.json")`` at the end of a cell shows the graph, ``Workflow.load(…).run().result()`` runs one without
an editor, ``@node`` makes a function a node in every open editor. Each name is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from .comfy_api_finder import add as _add_finder

if TYPE_CHECKING:
    from .api import Results, Run, RunError, RunInterrupted, Workflow, node
    from .diffusion.wrap import wrap_model
    from .packs import load_pack
    from .protocol.context import context
    from .protocol.markers import (
        Any,
        Audio,
        Clip,
        Conditioning,
        Image,
        Latent,
        Mask,
        Model,
        Multiline,
        Range,
        Sigmas,
        Slider,
        Socket,
        Tooltip,
        Vae,
    )
    from .widget import Editor

__version__ = "0.1.0"

_MARKERS = (
    *("Any", "Audio", "Clip", "Conditioning", "Image", "Latent", "Mask", "Model", "Sigmas", "Vae"),
    *("Multiline", "Range", "Slider", "Socket", "Tooltip"),
)
_HOMES = {
    "Editor": "widget",
    "context": "protocol.context",
    "load_pack": "packs",
    "wrap_model": "diffusion.wrap",
    **dict.fromkeys(("Results", "Run", "RunError", "RunInterrupted", "Workflow", "node"), "api"),
    **dict.fromkeys(_MARKERS, "protocol.markers"),
}

__all__ = [
    "Any",
    "Audio",
    "Clip",
    "Conditioning",
    "Editor",
    "Image",
    "Latent",
    "Mask",
    "Model",
    "Multiline",
    "Range",
    "Results",
    "Run",
    "RunError",
    "RunInterrupted",
    "Sigmas",
    "Slider",
    "Socket",
    "Tooltip",
    "Vae",
    "Workflow",
    "__version__",
    "context",
    "load_pack",
    "node",
    "wrap_model",
]


_add_finder()


def __getattr__(name: str) -> _Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""``from comfy_api.latest import ComfyExtension, io, ui``."""

from . import _input as Input  # noqa: N812 - the names of the interface
from . import _input_impl as InputImpl  # noqa: N812
from . import _io as io
from . import _ui as ui
from . import _util as Types  # noqa: N812
from ._api import Caching, ComfyAPI, ComfyAPISync, Execution, NodeReplacement
from ._caching import CacheContext, CacheProvider, CacheValue
from ._extension import ComfyExtension

IO = io
UI = ui

__all__ = [
    "IO",
    "UI",
    "CacheContext",
    "CacheProvider",
    "CacheValue",
    "Caching",
    "ComfyAPI",
    "ComfyAPISync",
    "ComfyExtension",
    "Execution",
    "Input",
    "InputImpl",
    "NodeReplacement",
    "Types",
    "io",
    "ui",
]

"""``comfy_extras.nodes_custom_sampler``: what is behind the nodes of custom sampling; the node classes are the built-in
ones. Nothing here loads torch before a name is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

#: Name → (module of :mod:`comfy_notebook.diffusion.sampling`, name there).
_BEHIND = {
    "Noise_EmptyNoise": ("noise", "EmptyNoise"),
    "Noise_RandomNoise": ("noise", "RandomNoise"),
    "Guider_Basic": ("guiders", "BasicGuider"),
    "Guider_DualCFG": ("guiders", "DualCFGGuider"),
}


def __getattr__(name: str) -> Any:
    if name in _BEHIND:
        module, own = _BEHIND[name]
        return getattr(importlib.import_module(f"comfy_notebook.diffusion.sampling.{module}"), own)
    from ..stand_in import missing_attribute

    return missing_attribute(sys.modules[__name__], "comfy_extras.nodes_custom_sampler", name, sys._getframe(1))

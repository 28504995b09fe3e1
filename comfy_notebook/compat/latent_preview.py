"""``latent_preview``: :mod:`..diffusion.sampling.previews`, with the method that the options of the process name."""

from __future__ import annotations

import sys

from ..diffusion.sampling import previews
from .comfy.cli_args import LatentPreviewMethod, args


def set_preview_method(override: str | None = None) -> None:
    """``"none"``, ``"auto"``, ``"latent2rgb"`` or ``"taesd"`` from now on; anything else leaves it."""
    if override in {method.value for method in LatentPreviewMethod}:
        args.preview_method = LatentPreviewMethod(override)


def _chosen_method() -> str:
    return str(args.preview_method.value)


previews.chosen_method = _chosen_method
vars(previews).update(set_preview_method=set_preview_method, default_preview_method=LatentPreviewMethod.Latent2RGB)
sys.modules[__name__] = previews

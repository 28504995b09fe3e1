"""``latent_preview``: :mod:`..diffusion.sampling.previews`, with the method that the options of the process name and
the progress hook that packs set."""

from __future__ import annotations

import sys
from typing import Any

from ..diffusion.sampling import previews
from .comfy import utils
from .comfy.cli_args import LatentPreviewMethod, args


def set_preview_method(override: str | None = None) -> None:
    """``"none"``, ``"auto"``, ``"latent2rgb"`` or ``"taesd"`` from now on; anything else leaves it."""
    if override in {method.value for method in LatentPreviewMethod}:
        args.preview_method = LatentPreviewMethod(override)


def _chosen_method() -> str:
    return str(args.preview_method.value)


def _report_progress(value: float, total: float, preview: Any = None) -> None:
    utils.ProgressBar(total).update_absolute(value, total, preview)


previews.chosen_method = _chosen_method
previews.report_progress = _report_progress
vars(previews).update(set_preview_method=set_preview_method, default_preview_method=LatentPreviewMethod.Latent2RGB)
sys.modules[__name__] = previews

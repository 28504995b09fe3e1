"""Latents and models that function nodes hand over, looked at before other nodes meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .image_values import shown


def as_latent(value: Any) -> Any:
    """A LATENT, a dict whose ``samples`` are a tensor ``[B, C, …]``, from such a dict or the tensor alone.

    Raises ``TypeError`` for anything else.
    """
    samples: Any = value.get("samples") if isinstance(value, Mapping) else value
    if not hasattr(samples, "ndim") or not hasattr(samples, "movedim") or samples.ndim < 3:
        raise TypeError(f"{_shown_latent(value)} is no latent; return {{'samples': tensor [B,C,H,W]}}, or that tensor")
    return value if isinstance(value, Mapping) else {"samples": samples}


def as_model(value: Any) -> Any:
    """A MODEL as loaders make it. Raises ``TypeError`` for anything else, a bare network among it."""
    if not hasattr(value, "get_model_object"):
        raise TypeError(f"{shown(value)} is no MODEL; return what a loader made, or cn.wrap_model(network)")
    return value


def _shown_latent(value: Any) -> str:
    if not isinstance(value, Mapping):
        return shown(value)
    return f"a dict with samples {shown(value['samples'])}" if "samples" in value else "a dict without samples"

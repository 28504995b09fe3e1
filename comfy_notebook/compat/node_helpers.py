"""``node_helpers``: small helpers of nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any


def conditioning_set_values(
    conditioning: list[Any], values: Mapping[str, Any] | None = None, append: bool = False
) -> list[Any]:
    """A CONDITIONING with ``values`` set in every entry's dict (a copy); ``append`` joins lists that are there."""
    changed = []
    for tensor, known, *rest in conditioning:
        entry = dict(known)
        for key, value in (values or {}).items():
            entry[key] = entry[key] + value if append and entry.get(key) is not None else value
        changed.append([tensor, entry, *rest])
    return changed


def conditioning_set_values_with_timestep_range(
    conditioning: list[Any],
    values: Mapping[str, Any] | None = None,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
) -> list[Any]:
    """``values`` for the part of the schedule from ``start_percent`` to ``end_percent`` (0 to 1) alone: an entry that
    reaches beyond it is split."""
    if start_percent > end_percent:
        return conditioning
    made = []
    for tensor, known, *rest in conditioning:
        first, last = known.get("start_percent", 0.0), known.get("end_percent", 1.0)
        begin, end = max(first, start_percent), min(last, end_percent)
        if begin >= end:
            made.append([tensor, dict(known), *rest])
            continue
        if first < begin:
            made.append([tensor, {**known, "start_percent": first, "end_percent": begin}, *rest])
        made.append([tensor, {**known, **(values or {}), "start_percent": begin, "end_percent": end}, *rest])
        if end < last:
            made.append([tensor, {**known, "start_percent": end, "end_percent": last}, *rest])
    return made


def pillow(fn: Callable[[Any], Any], arg: Any) -> Any:
    """``fn(arg)``, once more with truncated images allowed where Pillow refuses."""
    from PIL import ImageFile, UnidentifiedImageError

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        return fn(arg)
    except (OSError, UnidentifiedImageError, ValueError):
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        return fn(arg)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def hasher() -> Callable[..., Any]:
    """The hash function for files."""
    from .comfy.cli_args import args

    name = getattr(args, "default_hashing_function", "sha256")
    return {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha512": hashlib.sha512}.get(name, hashlib.sha256)


def string_to_torch_dtype(string: str) -> Any:
    """``"fp32"``, ``"fp16"`` or ``"bf16"`` as a dtype; None for another word."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}.get(string)


def image_alpha_fix(destination: Any, source: Any) -> tuple[Any, Any]:
    """Both IMAGEs with the channels of ``destination``: a missing alpha is opaque, a surplus one is cut."""
    from ..nodes.ops.batches import add_alpha

    if destination.shape[-1] < source.shape[-1]:
        source = source[..., : destination.shape[-1]]
    elif destination.shape[-1] > source.shape[-1]:
        if destination.shape[-1] == source.shape[-1] + 1:
            source = add_alpha(source, destination.shape[-1])
        else:
            destination = destination[..., : source.shape[-1]]
    return destination, source

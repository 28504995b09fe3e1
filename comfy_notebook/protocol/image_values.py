"""Pictures as people make them (PIL, numpy, one tensor without batch) into the tensors that travel on links.

This is the one place of the protocol that needs torch, and only when a function node hands over something that is not
a tensor yet; it is looked up by name then, so that declaring nodes never loads it.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def as_image(value: Any) -> Any:
    """``float32 [B, H, W, C]`` in 0..1 from a PIL image, an array or tensor ``[H, W]``, ``[H, W, C]`` or
    ``[B, H, W, C]`` (``uint8`` is scaled by 1/255), or a list of those of one size. Other values pass unchanged."""
    if isinstance(value, (list, tuple)) and value and all(_is_picture(item) for item in value):
        return _torch().cat([as_image(item) for item in value])
    if not _is_picture(value):
        return value
    tensor = _float_tensor(_pil_array(value, ("RGB", "RGBA")) if _is_pil(value) else value)
    if tensor.ndim == 2:
        tensor = tensor.unsqueeze(-1).repeat(1, 1, 3)
    return tensor.unsqueeze(0) if tensor.ndim == 3 else tensor


def as_mask(value: Any) -> Any:
    """``float32 [B, H, W]`` in 0..1 from a PIL image (its luminance), or an array or tensor ``[H, W]`` or
    ``[B, H, W]``. Other values pass unchanged."""
    if isinstance(value, (list, tuple)) and value and all(_is_picture(item) for item in value):
        return _torch().cat([as_mask(item) for item in value])
    if not _is_picture(value):
        return value
    tensor = _float_tensor(_pil_array(value, ("L",)) if _is_pil(value) else value)
    return tensor.unsqueeze(0) if tensor.ndim == 2 else tensor


def _torch() -> Any:
    return importlib.import_module("torch")


def _is_pil(value: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _is_picture(value: Any) -> bool:
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return (
        _is_pil(value)
        or (numpy is not None and isinstance(value, numpy.ndarray))
        or (torch is not None and isinstance(value, torch.Tensor))
    )


def _pil_array(image: Any, modes: tuple[str, ...]) -> Any:
    numpy = importlib.import_module("numpy")
    if "RGBA" in modes and ("A" in image.getbands() or "transparency" in image.info):
        return numpy.asarray(image.convert("RGBA"))
    return numpy.asarray(image if image.mode == modes[0] else image.convert(modes[0]))


def _float_tensor(value: Any) -> Any:
    torch = _torch()
    tensor = (
        value if isinstance(value, torch.Tensor) else torch.from_numpy(importlib.import_module("numpy").array(value))
    )
    if tensor.dtype == torch.uint8:
        return tensor.to(torch.float32) / 255
    return tensor.to(torch.float32)

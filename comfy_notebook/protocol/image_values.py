"""Pictures as people make them (PIL, numpy, one tensor without batch) into the tensors that travel on links.

This is the one place of the protocol that needs torch, and only when a function node hands over something that is not
a tensor yet; it is looked up by name then, so that declaring nodes never loads it.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_PICTURE = "a PIL image, or a tensor or array {shape} of floats in 0..1, or a list of those of one size"
_IMAGE = _PICTURE.format(shape="[B,H,W,C] or [H,W,C]")
_MASK = _PICTURE.format(shape="[B,H,W] or [H,W]")


def as_image(value: Any) -> Any:
    """``float32 [B, H, W, C]`` in 0..1 from a PIL image, an array or tensor ``[H, W]``, ``[H, W, C]`` or
    ``[B, H, W, C]`` (``uint8`` is scaled by 1/255), or a list of those of one size; where one of a list has alpha, the
    others become opaque. Raises ``TypeError`` for anything else, ``ValueError`` for a list of several sizes."""
    if _is_list_of_pictures(value):
        return _torch().cat(_of_one_size(_same_channels([as_image(item) for item in value])))
    if not _is_picture(value):
        raise TypeError(f"{shown(value)} is no image; return {_IMAGE}")
    tensor = _float_tensor(_pil_array(value, ("RGB", "RGBA")) if _is_pil(value) else value)
    if tensor.ndim == 2:
        tensor = tensor.unsqueeze(-1).repeat(1, 1, 3)
    if tensor.ndim not in (3, 4):
        raise TypeError(f"{shown(value)} is no image; return {_IMAGE}")
    return tensor.unsqueeze(0) if tensor.ndim == 3 else tensor


def as_mask(value: Any) -> Any:
    """``float32 [B, H, W]`` in 0..1 from a PIL image (its luminance), an array or tensor ``[H, W]`` or ``[B, H, W]``,
    or a list of those of one size. Raises ``TypeError`` for anything else, ``ValueError`` for several sizes."""
    if _is_list_of_pictures(value):
        return _torch().cat(_of_one_size([as_mask(item) for item in value]))
    if not _is_picture(value):
        raise TypeError(f"{shown(value)} is no mask; return {_MASK}")
    tensor = _float_tensor(_pil_array(value, ("L",)) if _is_pil(value) else value)
    if tensor.ndim not in (2, 3):
        raise TypeError(f"{shown(value)} is no mask; return {_MASK}")
    return tensor.unsqueeze(0) if tensor.ndim == 2 else tensor


def _is_list_of_pictures(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(_is_picture(item) for item in value)


def _of_one_size(tensors: list[Any]) -> list[Any]:
    sizes = list(dict.fromkeys((int(tensor.shape[2]), int(tensor.shape[1])) for tensor in tensors))
    if len(sizes) > 1:
        shown = ", ".join(f"{width} x {height}" for width, height in sizes[:5])
        raise ValueError(
            f"pictures of several sizes ({shown}) make no batch; bring them to one size, or annotate the output as "
            "list[cn.Image], which hands them on one by one"
        )
    return tensors


def _same_channels(tensors: list[Any]) -> list[Any]:
    most = max(tensor.shape[-1] for tensor in tensors)
    return [tensor if tensor.shape[-1] == most else _with_channels(tensor, most) for tensor in tensors]


def _with_channels(tensor: Any, channels: int) -> Any:
    """Grey becomes colour, a missing alpha is opaque."""
    colours = tensor if tensor.shape[-1] >= 3 else tensor[..., :1].repeat(1, 1, 1, 3)
    return _torch().cat([colours, colours.new_ones(*colours.shape[:-1], channels - colours.shape[-1])], dim=-1)


def shown(value: Any) -> str:
    """A value in a message: its type, and what tells it from others."""
    if value is None:
        return "None"
    if isinstance(value, (str, int, float)):
        return f"{type(value).__name__} {value!r:.60}"
    if isinstance(value, (list, tuple)) and value:
        return f"a {type(value).__name__} of {', '.join(sorted({type(item).__name__ for item in value})[:3])}"
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} {list(shape)}"


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

"""Weights stored in few bits, with the numbers that scale them: brought back when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

#: Entries that describe other entries.
_NOTES = (".scale_weight", ".scale_input", ".weight_scale", ".weight_scale_2", ".input_scale", ".comfy_quant")
#: The sixteen values of a 4 bit float, sign in the highest bit.
_FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
_FP4_BLOCK = 16


def dequantised(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``weights`` with what was quantised as bfloat16, without the scales and notes that came with it.

    Known: ``X.scale_weight`` beside fp8 (with the marker ``scaled_fp8``), ``X.comfy_quant`` with ``X.weight_scale``
    (fp8, int8, nvfp4), and fp8 without a scale, which stays as it is.
    """
    if not any(name.endswith(_NOTES) or name == "scaled_fp8" for name in weights):
        return dict(weights)
    made = {}
    for name, value in weights.items():
        if name.endswith(_NOTES) or name == "scaled_fp8":
            continue
        layer = name[: -len(".weight")] if name.endswith(".weight") else None
        made[name] = value if layer is None else _weight(layer, value, weights)
    return made


def _weight(layer: str, value: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    import torch

    scale = weights.get(f"{layer}.scale_weight", weights.get(f"{layer}.weight_scale"))
    if scale is None:
        return value
    if _format(weights.get(f"{layer}.comfy_quant")) == "nvfp4" or value.dtype == torch.uint8:
        overall, noted = weights.get(f"{layer}.weight_scale_2"), f"{layer}.comfy_quant" in weights
        return _from_fp4(value, scale, overall, high_first=noted).to(torch.bfloat16)
    return (value.float() * _beside(scale.float(), value)).to(torch.bfloat16)


def _format(note: Any) -> str:
    if note is None:
        return ""
    try:
        return str(json.loads(bytes(note.tolist())).get("format", ""))
    except ValueError:
        return ""


def _beside(scale: Tensor, value: Tensor) -> Tensor:
    """One scale for all, one for each row, or one for each block of a row."""
    if scale.numel() == 1:
        return scale.reshape(())
    if scale.ndim == 1 and value.ndim > 1:
        return scale.reshape(-1, *[1] * (value.ndim - 1))
    if scale.ndim == value.ndim and scale.shape != value.shape:
        for dim, (have, want) in enumerate(zip(scale.shape, value.shape, strict=True)):
            if have not in (1, want):
                scale = scale.repeat_interleave(want // have, dim)
    return scale


def _from_fp4(packed: Tensor, scale: Tensor, overall: Tensor | None, high_first: bool) -> Tensor:
    """Two numbers a byte, a scale for every 16 of a row, and one for all.

    Files with ``comfy_quant`` have the first number in the high half and scales in tiles; ModelOpt's and Black Forest
    Labs' have it in the low half and scales in rows.
    """
    import torch

    halves = [packed >> 4, packed & 15] if high_first else [packed & 15, packed >> 4]
    values = torch.tensor(_FP4)[torch.stack(halves, dim=-1).long()].flatten(-2)
    rows, columns = values.shape
    count = columns // _FP4_BLOCK
    blocks = (_unswizzled(scale, rows, count) if high_first else scale.reshape(rows, count)).float()
    made = values.view(rows, -1, _FP4_BLOCK) * blocks[..., None]
    return made.view(rows, columns) * (overall.float() if overall is not None else 1.0)


def _unswizzled(scale: Tensor, rows: int, blocks: int) -> Tensor:
    """Scales in plain rows. Files keep them in the tiles of 128 × 4 that tensor cores read."""
    if scale.shape == (rows, blocks) and (rows % 128 or blocks % 4):
        return scale
    high, wide = -(-rows // 128), -(-blocks // 4)
    if scale.numel() != high * wide * 512:
        return scale.reshape(rows, blocks)
    tiles = scale.reshape(high, wide, 32, 4, 4).permute(0, 3, 2, 1, 4)
    return tiles.reshape(high * 128, wide * 4)[:rows, :blocks]


def rounded(weights: Mapping[str, Tensor], to: str) -> dict[str, Tensor]:
    """``weights`` with their matrices rounded to 8 bit floats (``fp8_e4m3fn``, ``fp8_e5m2``); others as they are."""
    import torch

    dtype = {"fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e4m3fn_fast": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}
    if to not in dtype:
        return dict(weights)
    return {
        name: value.to(dtype[to]).to(torch.bfloat16) if value.ndim >= 2 and value.is_floating_point() else value
        for name, value in weights.items()
    }

"""The change of a weight: a list of patches, each a difference, a whole weight, or factors of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .adapters import Adapter, adapter_from_tuple

if TYPE_CHECKING:
    from torch import Tensor


def calculate_weight(patches: Sequence[Any], weight: Tensor, key: str, intermediate_dtype: Any = None) -> Tensor:
    """``weight`` (float32, may be changed) after ``patches``: entries (strength, patch, strength of the weight, offset,
    function).

    A patch is an :class:`~.adapters.Adapter`, ``(kind, values)``, ``(difference,)``, or a list whose first entry is a
    weight and whose others are patches of it. Raises ``ValueError`` when shapes do not fit.
    """
    for entry in patches:
        strength, patch, strength_model, offset, function = (*entry, None, None)[:5]
        region = weight if offset is None else weight.narrow(*offset)
        if strength_model != 1.0:
            region *= strength_model
        changed = _patched(patch, region, strength, key, function)
        if offset is None:
            weight = changed
        elif changed is not region:
            region.copy_(changed)
    return weight


def _patched(patch: Any, weight: Tensor, strength: float, key: str, function: Any) -> Tensor:
    if isinstance(patch, list):
        (base, convert), *inner = patch[0], *patch[1:]
        base = convert(base.to(weight.device, weight.dtype, copy=True))
        patch = (calculate_weight(inner, base, key),)
    if isinstance(patch, Adapter):
        return patch.applied(weight, strength, key, function)
    if hasattr(patch, "calculate_weight"):
        return patch.calculate_weight(weight, key, strength, 1.0, None, function or _same)  # type: ignore[no-any-return]
    kind, values = ("diff", patch) if len(patch) == 1 else (patch[0], patch[1])
    if kind == "diff":
        return _added(weight, values[0], strength, key, function, pad=bool(len(values) > 1 and values[1]))
    if kind == "set":
        return weight.copy_(values[0].to(weight.device, weight.dtype))
    adapter = adapter_from_tuple(kind, values)
    if adapter is None:
        raise ValueError(f"{key}: there is no kind of patch called {kind!r}")
    return adapter.applied(weight, strength, key, function)


def _same(value: Any) -> Any:
    return value


def _added(weight: Tensor, difference: Tensor, strength: float, key: str, function: Any, pad: Any) -> Tensor:
    if strength == 0.0:
        return weight
    difference = difference.to(weight.device, weight.dtype)
    if difference.shape != weight.shape and pad:
        weight = _grown(weight, tuple(difference.shape))
    if difference.shape != weight.shape:
        raise ValueError(f"{key}: a change of shape {list(difference.shape)} does not fit {list(weight.shape)}")
    difference = function(difference) if function is not None else difference
    return weight.add_(strength * difference)


def _grown(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``weight`` in the corner of zeros: patches of control models have more input channels."""
    if len(shape) != weight.ndim or any(new < old for new, old in zip(shape, weight.shape, strict=True)):
        return weight
    grown = weight.new_zeros(shape)
    grown[tuple(slice(0, side) for side in weight.shape)] = weight
    return grown

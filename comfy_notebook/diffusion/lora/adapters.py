"""Differences of weights from few numbers: LoRA (also DoRA and Tucker), LoHa, LoKr, GLoRA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class Adapter:
    """A patch that makes its difference when it is applied."""

    #: DoRA: the length each row (or column) of the changed weight shall have.
    dora_scale: Tensor | None = None

    def difference(self, weight: Tensor) -> Tensor:
        """What is added to ``weight`` at strength 1, float32, in any shape of as many numbers."""
        raise NotImplementedError

    def applied(self, weight: Tensor, strength: float, key: str, function: Any = None) -> Tensor:
        """``weight`` changed in place; raises ``ValueError`` when the shapes do not fit."""
        try:
            difference = self.difference(weight)
            difference = difference.reshape(weight.shape)
        except RuntimeError as error:
            raise ValueError(f"{key}: the LoRA does not fit a weight of shape {list(weight.shape)}: {error}") from error
        if function is not None:
            difference = function(difference)
        if self.dora_scale is None:
            return weight.add_(strength * difference)
        target = _scaled_rows(weight + difference, self.dora_scale.to(weight.device, weight.dtype))
        return weight.add_(strength * (target - weight))


def _scaled_rows(weight: Tensor, scale: Tensor) -> Tensor:
    """DoRA: ``weight`` with its rows at the lengths ``scale`` (its columns where the scale lies along these)."""
    import torch

    by_row = scale.shape[0] == weight.shape[0] and scale.numel() == weight.shape[0]
    flat = weight.reshape(weight.shape[0], -1) if by_row else weight.transpose(0, 1).reshape(weight.shape[1], -1)
    lengths = flat.norm(dim=1) + torch.finfo(weight.dtype).eps
    shape = [1] * weight.ndim
    shape[0 if by_row else 1] = -1
    factors: Tensor = (scale.reshape(-1) / lengths).reshape(shape)
    return weight * factors


def _like(weight: Tensor, *tensors: Tensor | None) -> tuple[Any, ...]:
    import torch

    return tuple(None if tensor is None else tensor.to(weight.device, torch.float32) for tensor in tensors)


@dataclass
class LoRA(Adapter):
    """``up @ down`` times ``alpha / rank``; ``mid`` for Tucker factors of convolutions."""

    up: Tensor
    down: Tensor
    alpha: float | None = None
    mid: Tensor | None = None
    dora_scale: Tensor | None = None

    def difference(self, weight: Tensor) -> Tensor:
        import torch

        up, down, mid = _like(weight, self.up, self.down, self.mid)
        scale = self.alpha / self.down.shape[0] if self.alpha is not None else 1.0
        if mid is not None:
            return scale * torch.einsum("i j k l, j r, i p -> p r k l", mid, down.flatten(1), up.flatten(1))
        return scale * torch.mm(up.flatten(start_dim=1), down.flatten(start_dim=1))


@dataclass
class LoHa(Adapter):
    """The product, number by number, of two LoRAs."""

    w1_up: Tensor
    w1_down: Tensor
    w2_up: Tensor
    w2_down: Tensor
    alpha: float | None = None
    mid1: Tensor | None = None
    mid2: Tensor | None = None
    dora_scale: Tensor | None = None

    def difference(self, weight: Tensor) -> Tensor:
        import torch

        up1, down1, up2, down2, mid1, mid2 = _like(
            weight, self.w1_up, self.w1_down, self.w2_up, self.w2_down, self.mid1, self.mid2
        )
        scale = self.alpha / self.w1_down.shape[0] if self.alpha is not None else 1.0
        if mid1 is not None and mid2 is not None:
            first = torch.einsum("i j k l, j r, i p -> p r k l", mid1, down1, up1)
            second = torch.einsum("i j k l, j r, i p -> p r k l", mid2, down2, up2)
            return scale * first * second
        made: Tensor = scale * (up1 @ down1) * (up2 @ down2)
        return made


@dataclass
class LoKr(Adapter):
    """The Kronecker product of two matrices, each whole or in factors."""

    w1: Tensor | None = None
    w2: Tensor | None = None
    w1_a: Tensor | None = None
    w1_b: Tensor | None = None
    w2_a: Tensor | None = None
    w2_b: Tensor | None = None
    t2: Tensor | None = None
    alpha: float | None = None
    dora_scale: Tensor | None = None

    def difference(self, weight: Tensor) -> Tensor:
        import torch

        w1, w2, w1_a, w1_b, w2_a, w2_b, t2 = _like(
            weight, self.w1, self.w2, self.w1_a, self.w1_b, self.w2_a, self.w2_b, self.t2
        )
        rank = None
        if w1 is None:
            w1, rank = w1_a @ w1_b, w1_b.shape[0]
        if w2 is None:
            rank = w2_b.shape[0]
            w2 = w2_a @ w2_b if t2 is None else torch.einsum("i j k l, j r, i p -> p r k l", t2, w2_b, w2_a)
        if w2.ndim == 4:
            w1 = w1[:, :, None, None]
        scale = self.alpha / rank if self.alpha is not None and rank else 1.0
        return scale * torch.kron(w1, w2.contiguous())


@dataclass
class GLoRA(Adapter):
    """``W @ (a2 @ a1) + (b2 @ b1)``, the two products in either order."""

    a1: Tensor
    a2: Tensor
    b1: Tensor
    b2: Tensor
    alpha: float | None = None
    dora_scale: Tensor | None = None

    def difference(self, weight: Tensor) -> Tensor:
        a1, a2, b1, b2 = (value.flatten(1) for value in _like(weight, self.a1, self.a2, self.b1, self.b2))
        old = b2.shape[1] == b1.shape[0] == a1.shape[0] == a2.shape[1]
        rank = a1.shape[0] if old else self.a2.shape[0]
        scale = self.alpha / rank if self.alpha is not None else 1.0
        flat = weight.flatten(1)
        made: Tensor = b2 @ b1 + flat @ a2 @ a1 if old else flat @ a1 @ a2 + b1 @ b2
        return scale * made


def adapter_from_tuple(kind: str, values: Any) -> Adapter | None:
    """The adapter of a patch in the older form ``(kind, tuple of tensors)``; None for other kinds."""
    given: list[Any] = [*values, *[None] * 9]
    if kind == "lora":
        return LoRA(given[0], given[1], _number(given[2]), given[3], given[4])
    if kind == "loha":
        return LoHa(given[0], given[1], given[3], given[4], _number(given[2]), given[5], given[6], given[7])
    if kind == "lokr":
        w1_a, w1_b, w2_a, w2_b, t2 = given[3:8]
        return LoKr(given[0], given[1], w1_a, w1_b, w2_a, w2_b, t2, _number(given[2]), given[8])
    if kind == "glora":
        return GLoRA(given[0], given[1], given[2], given[3], _number(given[4]), given[5])
    return None


def _number(alpha: Any) -> float | None:
    return None if alpha is None else float(alpha)

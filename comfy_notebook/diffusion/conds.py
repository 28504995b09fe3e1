"""What a network is given beside the latent: values that know how to become a batch and which may share one.

``BaseModel.extra_conds`` makes them; a sampler calls ``process_cond`` for the batch it runs, ``can_concat`` to see what
may share a call, and ``concat`` to join them.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, cat

#: Token counts are repeated to their least common multiple, but not to more than this many times the shorter one.
_MOST_REPEATS = 4


def repeat_to(tensor: Tensor, batch_size: int) -> Tensor:
    """``tensor`` repeated or cut along its first dimension to ``batch_size``."""
    if tensor.shape[0] >= batch_size:
        return tensor[:batch_size]
    times = math.ceil(batch_size / tensor.shape[0])
    return tensor.repeat([times] + [1] * (tensor.ndim - 1))[:batch_size]


def on_device(value: Any, device: Any) -> Any:
    """Tensors, also in a list, on ``device``; anything else as it is."""
    if isinstance(value, Tensor):
        return value.to(device)
    return [on_device(item, device) for item in value] if isinstance(value, list) else value


def placed(value: Any, device: Any) -> Any:
    """One of the objects below with its tensors on ``device``, once for all steps of a run; anything else as it is."""
    if not isinstance(value, CONDRegular):
        return value
    moved = on_device(value.cond, device)
    return value if moved is value.cond else value._copy_with(moved)


class CONDRegular:
    """A tensor ``[B, …]`` for each sample of the batch; joins others of its shape."""

    def __init__(self, cond: Any) -> None:
        self.cond = cond

    def _copy_with(self, cond: Any) -> Any:
        return type(self)(cond)

    def process_cond(self, batch_size: int, **kwargs: Any) -> Any:
        """This value for ``batch_size`` samples."""
        return self._copy_with(repeat_to(self.cond, batch_size))

    def can_concat(self, other: Any) -> bool:
        """Whether this and ``other`` can go through the network in one call."""
        return bool(self.cond.shape == other.cond.shape)

    def concat(self, others: list[Any]) -> Any:
        """The value for one call with all of ``others``, in order."""
        return cat([self.cond, *(other.cond for other in others)])

    def size(self) -> list[int]:
        """The shape of what goes into a call."""
        return list(self.cond.size())


class CONDNoiseShape(CONDRegular):
    """A tensor as large as the latent; it follows the area that a conditioning is limited to."""

    def process_cond(self, batch_size: int, area: Any = None, **kwargs: Any) -> Any:
        data = self.cond
        if area is not None:
            sides = len(area) // 2
            for side in range(sides):
                data = data.narrow(side + 2, area[side + sides], area[side])
        return self._copy_with(repeat_to(data, batch_size))


class CONDCrossAttn(CONDRegular):
    """Text tokens ``[B, T, C]``: different lengths share a call by repetition, which attention does not notice."""

    def can_concat(self, other: Any) -> bool:
        mine, its = self.cond.shape, other.cond.shape
        if mine == its:
            return True
        if mine[0] != its[0] or mine[2] != its[2]:
            return False
        return bool(math.lcm(mine[1], its[1]) // min(mine[1], its[1]) <= _MOST_REPEATS)

    def concat(self, others: list[Any]) -> Any:
        conds = [self.cond, *(other.cond for other in others)]
        length = math.lcm(*(cond.shape[1] for cond in conds))
        return cat([cond if cond.shape[1] == length else cond.repeat(1, length // cond.shape[1], 1) for cond in conds])


class CONDConstant(CONDRegular):
    """One value for the whole call: only equal ones share it."""

    def process_cond(self, batch_size: int, **kwargs: Any) -> Any:
        return self._copy_with(self.cond)

    def can_concat(self, other: Any) -> bool:
        return bool(self.cond == other.cond)

    def concat(self, others: list[Any]) -> Any:
        return self.cond

    def size(self) -> list[int]:
        return [1]


class CONDList(CONDRegular):
    """A list of tensors, such as reference latents of different sizes."""

    def process_cond(self, batch_size: int, **kwargs: Any) -> Any:
        return self._copy_with([repeat_to(item, batch_size) for item in self.cond])

    def can_concat(self, other: Any) -> bool:
        return [item.shape for item in self.cond] == [item.shape for item in other.cond]

    def concat(self, others: list[Any]) -> Any:
        return [cat([item, *(other.cond[index] for other in others)]) for index, item in enumerate(self.cond)]

    def size(self) -> list[int]:
        if not self.cond:
            return [0]
        first = self.cond[0]
        return [first.shape[0], first.shape[1], sum(math.prod(item.shape[2:]) for item in self.cond)]

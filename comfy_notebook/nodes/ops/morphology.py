"""Growing and shrinking: greyscale morphology of images and masks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ...protocol.context import context


def dilate(samples: Tensor, size: int) -> Tensor:
    """The largest value in a ``size`` x ``size`` square around each pixel of ``[B,C,H,W]``; outside does not count.

    A square of even ``size`` reaches one pixel further to the right and below.
    """
    return _largest(samples, (size - 1) // 2, size // 2)


def _largest(samples: Tensor, before: int, after: int) -> Tensor:
    """The largest value from ``before`` pixels left and above to ``after`` pixels right and below."""
    padded = functional.pad(samples, (before, after, before, after), value=float("-inf"))
    size = before + 1 + after
    return _running_maximum(_running_maximum(padded, size, -1), size, -2)


def _running_maximum(samples: Tensor, size: int, dim: int) -> Tensor:
    """The maximum of each ``size`` consecutive values along ``dim``, which gets shorter by ``size - 1``.

    Windows are doubled until two of them cover the wanted one, so the cost grows with the logarithm of ``size``.
    """
    covered = 1
    while covered < size:
        context().check_interrupted()
        step = min(covered, size - covered)
        length = samples.shape[dim] - step
        samples = torch.maximum(samples.narrow(dim, 0, length), samples.narrow(dim, step, length))
        covered += step
    return samples


def erode(samples: Tensor, size: int) -> Tensor:
    """The smallest value in a ``size`` x ``size`` square around each pixel; outside does not count.

    A square of even ``size`` reaches one pixel further to the left and above: the mirror of ``dilate``, so that what is
    opened or closed stays in its place.
    """
    return -_largest(-samples, size // 2, (size - 1) // 2)


def _opening(samples: Tensor, size: int) -> Tensor:
    return dilate(erode(samples, size), size)


def _closing(samples: Tensor, size: int) -> Tensor:
    return erode(dilate(samples, size), size)


#: Operations by name, each for ``[B,C,H,W]`` and a square of ``size`` pixels.
OPERATIONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "erode": erode,
    "dilate": dilate,
    "open": _opening,
    "close": _closing,
    "gradient": lambda samples, size: dilate(samples, size) - erode(samples, size),
    "bottom_hat": lambda samples, size: _closing(samples, size) - samples,
    "top_hat": lambda samples, size: samples - _opening(samples, size),
}


def grow(mask: Tensor, pixels: int, tapered_corners: bool) -> Tensor:
    """MASK ``[B,H,W]`` grown by ``pixels`` (shrunk when negative).

    Pixel by pixel with a 3 x 3 neighbourhood: a cross when corners are tapered (dots become diamonds), else a square.
    """
    if pixels < 0:
        return -grow(-mask, -pixels, tapered_corners)
    samples = mask.unsqueeze(1)
    if not tapered_corners:
        return dilate(samples, 2 * min(pixels, max(mask.shape[-2:])) + 1).squeeze(1)
    for _ in range(min(pixels, mask.shape[-1] + mask.shape[-2])):
        context().check_interrupted()
        wide = functional.max_pool2d(samples, (1, 3), stride=1, padding=(0, 1))
        tall = functional.max_pool2d(samples, (3, 1), stride=1, padding=(1, 0))
        samples = torch.maximum(wide, tall)
    return samples.squeeze(1)

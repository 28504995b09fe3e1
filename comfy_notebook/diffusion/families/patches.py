"""Latents as tokens: squares of latent pixels in a row, with the place of each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def padded(latent: Tensor, size: int) -> Tensor:
    """``latent`` ``[B,C,h,w]`` continued from its other side to multiples of ``size``."""
    right, below = -latent.shape[-1] % size, -latent.shape[-2] % size
    return functional.pad(latent, (0, right, 0, below), mode="circular") if right or below else latent


def to_tokens(latent: Tensor, size: int = 2) -> Tensor:
    """``[B,C,h,w]`` → ``[B, h/size · w/size, C·size²]``, channels slowest."""
    batch, channels, height, width = latent.shape
    squares = latent.view(batch, channels, height // size, size, width // size, size)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * size * size)


def from_tokens(tokens: Tensor, height: int, width: int, size: int = 2) -> Tensor:
    """The inverse of :func:`to_tokens` for a latent of ``height`` × ``width``."""
    batch, _, values = tokens.shape
    channels = values // (size * size)
    squares = tokens.view(batch, height // size, width // size, channels, size, size)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)


def places(height: int, width: int, index: float = 0, top: int = 0, left: int = 0) -> Tensor:
    """``(index, row, column)`` of ``height × width`` tokens, float32 ``[height·width, 3]``."""
    made = torch.zeros(height, width, 3)
    made[..., 0] = index
    made[..., 1] += torch.arange(top, top + height)[:, None]
    made[..., 2] += torch.arange(left, left + width)[None, :]
    return made.reshape(-1, 3)


def reference_places(sizes: list[tuple[int, int]], picture: tuple[int, int], method: str) -> list[tuple[int, int, int]]:
    """(index, top, left) of reference pictures of these sizes in tokens.

    ``offset``: in a picture of their own, side by side; ``index``: each in its own; ``uxo``: along the diagonal, after
    the picture that is made.
    """
    found = []
    height = width = 0
    for number, (rows, columns) in enumerate(sizes, start=1):
        if method.startswith("index"):
            found.append((number, 0, 0))
        elif method.startswith("uxo"):
            found.append((0, picture[0] + height, picture[1] + width))
            height, width = height + rows, width + columns
        else:
            left, top = (width, 0) if rows + height > columns + width else (0, height)
            found.append((1, top, left))
            height, width = max(height, rows + top), max(width, columns + left)
    return found

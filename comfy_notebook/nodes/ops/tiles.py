"""Overlapping tiles that cover an image."""

from __future__ import annotations


def starts(size: int, tile: int, overlap: int) -> list[int]:
    """Where tiles of ``tile`` pixels begin so that they cover ``size`` pixels and overlap by at least ``overlap``.

    The last tile ends with the image; one tile is enough where the image is not longer than it.
    Raises ``ValueError`` when the overlap leaves no way to advance.
    """
    if tile >= size:
        return [0]
    stride = tile - overlap
    if stride < 1:
        raise ValueError(f"overlap ({overlap}) must be smaller than the tile ({tile})")
    return [*range(0, size - tile, stride), size - tile]

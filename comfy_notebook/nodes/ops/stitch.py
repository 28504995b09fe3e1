"""Putting two images side by side."""

from __future__ import annotations

from torch import Tensor
from torch import cat as concatenate
from torch.nn import functional

from .batches import hold_last, same_channels
from .colour import NAMED
from .resize import resize_image


def stitch(first: Tensor, second: Tensor, direction: str, match: bool, spacing: int, colour: str) -> Tensor:
    """IMAGE with ``second`` to the ``direction`` of ``first`` and a strip of ``spacing`` pixels in between.

    ``match`` scales the second to the first one's height (or width); otherwise the smaller one gets black borders.
    """
    count = max(first.shape[0], second.shape[0])
    first, second = hold_last(first, count), hold_last(second, count)
    sideways = direction in ("left", "right")
    if match:
        second = _match(first, second, sideways)
    first, second = same_channels(first, second)
    across, along = (1, 2) if sideways else (2, 1)
    longest = max(first.shape[across], second.shape[across])
    first, second = (_centre(image, across, longest) for image in (first, second))
    parts = [first, second] if direction in ("right", "down") else [second, first]
    if spacing > 0:
        parts.insert(1, _strip(first, along, spacing + spacing % 2, colour))
    return concatenate(parts, dim=along)


def _match(first: Tensor, second: Tensor, sideways: bool) -> Tensor:
    height, width = first.shape[1:3]
    own_height, own_width = second.shape[1:3]
    if (own_height if sideways else own_width) == (height if sideways else width):
        return second  # Lanczos would still round it to 8 bits
    if sideways:
        return resize_image(second, max(1, int(own_width * height / own_height)), height, "lanczos")
    return resize_image(second, width, max(1, int(own_height * width / own_width)), "lanczos")


def _centre(image: Tensor, dim: int, size: int) -> Tensor:
    before = (size - image.shape[dim]) // 2
    after = size - image.shape[dim] - before
    sides = (0, 0, 0, 0, before, after) if dim == 1 else (0, 0, before, after, 0, 0)
    return functional.pad(image, sides)


def _strip(image: Tensor, dim: int, size: int, colour: str) -> Tensor:
    shape = list(image.shape)
    shape[dim] = size
    strip = image.new_ones(shape)
    strip[..., :3] = image.new_tensor(NAMED[colour])[: shape[-1]]
    return strip
